import { type JSX, render } from "preact";
import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/parts.css";
import "./styles/lesson.css";
import { askAhead } from "./api";
import { startLanguage } from "./i18n";
import { JoinPage } from "./pages/join";
import { SignInLinkPage } from "./pages/sign_in";
import { StartPage } from "./pages/start";
import { takeFragment, takeToken } from "./storage";

function Page(): JSX.Element {
  switch (location.pathname) {
    case "/join":
      return <JoinPage token={takeToken()} />;
    case "/sign-in":
      return <SignInLinkPage token={takeFragment()} />;
    default:
      return <StartPage />;
  }
}

// Another link pasted into the same tab changes only the fragment: begin anew with it.
addEventListener("hashchange", () => {
  if (location.hash) location.reload();
});
if (location.pathname === "/join") askAhead(takeToken());
await startLanguage();
document.getElementById("loading")?.remove();
const root = document.getElementById("app");
if (root) render(<Page />, root);
