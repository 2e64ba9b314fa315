import type { ComponentChildren, JSX } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";
import { t } from "../i18n";
import { Button } from "./button";

interface DialogProps {
  readonly title: string;
  readonly onClose: () => void;
  readonly children: ComponentChildren;
  readonly testid?: string;
  readonly wide?: boolean;
}

/** A modal dialog, open as long as it is drawn. Esc and the cross close it; focus goes back to where it was. */
export function Dialog({ title, onClose, children, testid, wide }: DialogProps): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  const titleId = useId();
  useEffect(() => {
    const element = dialog.current;
    const before = document.activeElement;
    element?.showModal();
    // Not on a button: whoever was just typing must not agree to something by a stray key.
    if (!element?.querySelector("[autofocus]")) element?.focus();
    return () => {
      element?.close();
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  return (
    <dialog
      ref={dialog}
      tabIndex={-1}
      class={wide ? "dialog wide" : "dialog"}
      aria-labelledby={titleId}
      data-testid={testid}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
    >
      <header>
        <h2 id={titleId}>{title}</h2>
        <Button kind="quiet" icon="close" iconOnly onClick={onClose}>
          {t("close")}
        </Button>
      </header>
      <div class="dialog-body">{children}</div>
    </dialog>
  );
}

interface ConfirmProps {
  readonly title: string;
  readonly text: string;
  readonly action: string;
  readonly testid: string;
  readonly onConfirm: () => void;
  readonly onClose: () => void;
}

export function Confirm(props: ConfirmProps): JSX.Element {
  return (
    <Dialog title={props.title} onClose={props.onClose} testid={`${props.testid}-dialog`}>
      <p>{props.text}</p>
      <div class="row end">
        <Button onClick={props.onClose}>{t("cancel")}</Button>
        <Button
          kind="danger"
          testid={`${props.testid}-confirm`}
          onClick={() => {
            props.onClose();
            props.onConfirm();
          }}
        >
          {props.action}
        </Button>
      </div>
    </Dialog>
  );
}
