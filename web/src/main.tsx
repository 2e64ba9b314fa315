import { type JSX, render } from "preact";
import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/parts.css";
import "./styles/lesson.css";
import "./styles/reception.css";
import "./styles/link_test.css";
import { askAhead } from "./api";
import { Classroom } from "./classroom/classroom";
import { startLanguage } from "./i18n";
import { Devices } from "./media/devices";
import { browserIsFit } from "./media/fitness";
import { JoinPage } from "./pages/join";
import { LinkTestPage } from "./pages/link_test";
import { LinkTestsPage } from "./pages/link_tests";
import { SignInLinkPage } from "./pages/sign_in";
import { StartPage } from "./pages/start";
import { readSeat, takeFragment, takeToken } from "./storage";

/** Connect while the words load: on a far link each wait in turn is seen. */
function connectedAhead(token: string): Classroom {
  const classroom = new Classroom(token, new Devices());
  classroom.connection.connectAhead();
  return classroom;
}

const RECORDING = /^\/recordings(?:\/([a-z0-9-]{1,32}))?$/;

/** The archive's pages come by themselves: whoever goes to a lesson need not wait for the player. */
async function archivePage(): Promise<JSX.Element | null> {
  const match = RECORDING.exec(location.pathname);
  if (!match) return null;
  const held = takeToken();
  if (match[1]) {
    const { RecordingPage } = await import("./pages/recording");
    return <RecordingPage recordingId={match[1]} token={held} />;
  }
  const { RecordingsPage } = await import("./pages/recordings");
  return <RecordingsPage token={held} />;
}

function Page(): JSX.Element {
  switch (location.pathname) {
    case "/join":
      return <JoinPage token={token} prepared={prepared} />;
    case "/sign-in":
      return <SignInLinkPage token={takeFragment()} />;
    case "/link-test":
      return <LinkTestPage token={token} />;
    case "/link-tests":
      return <LinkTestsPage />;
    default:
      return <StartPage />;
  }
}

// Another link pasted into the same tab changes only the fragment: begin anew with it.
addEventListener("hashchange", () => {
  if (location.hash) location.reload();
});
const words = startLanguage();
const joining = location.pathname === "/join";
const token = joining || location.pathname === "/link-test" ? takeToken() : null;
// A tab that is reloaded goes straight back in; all others first see what the link opens.
const asked = joining && token && !readSeat(token)?.resume ? askAhead(token) : null;
const prepared = joining && token && browserIsFit() ? connectedAhead(token) : null;
const [archive] = await Promise.all([archivePage(), words, asked]);
document.getElementById("loading")?.remove();
const root = document.getElementById("app");
if (root) render(archive ?? <Page />, root);
