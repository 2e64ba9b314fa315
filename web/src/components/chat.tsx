import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { Classroom } from "../classroom/classroom";
import { isTeaching } from "../classroom/state";
import { t, timeOfDay } from "../i18n";
import { Button } from "./button";

const CHAT_MAX_CHARS = 1000;

/** The lesson's chat. New lines are not announced: a lesson is listened to. */
export function Chat(props: { readonly classroom: Classroom; readonly titled?: boolean }): JSX.Element {
  const { classroom, titled } = props;
  const lines = classroom.state.value?.chat ?? [];
  const text = useSignal("");
  const end = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const list = end.current?.parentElement;
    if (list) list.scrollTop = list.scrollHeight;
  }, [lines.length]);
  const say = async (event: Event) => {
    event.preventDefault();
    const said = text.value.trim();
    if (said && (await classroom.request({ type: "say", text: said }))) text.value = "";
  };
  return (
    <section class="chat" aria-label={t("chat")} data-testid="chat">
      {titled && <h2>{t("chat")}</h2>}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrollable region must be reachable by keyboard */}
      <div class="chat-lines" role="log" aria-live="off" aria-label={t("chat-lines")} tabIndex={0}>
        {lines.length === 0 && <p class="hint">{t("chat-empty")}</p>}
        {lines.map((line, index) => (
          <p key={`${line.wall_time}-${index}`} class={isTeaching(line.role) ? "line teaching" : "line"}>
            <span class="who">
              <bdi>{line.name || t(`role-${line.role}`)}</bdi> <time>{timeOfDay(line.wall_time)}</time>
            </span>
            <bdi class="text">{line.text}</bdi>
          </p>
        ))}
        <div ref={end} />
      </div>
      <form class="chat-form" onSubmit={(event) => void say(event)}>
        <input
          aria-label={t("chat-message")}
          placeholder={t("chat-message")}
          maxLength={CHAT_MAX_CHARS}
          value={text.value}
          data-testid="chat-input"
          onInput={(event) => {
            text.value = event.currentTarget.value;
          }}
        />
        <Button type="submit" testid="chat-send">
          {t("chat-send")}
        </Button>
      </form>
    </section>
  );
}
