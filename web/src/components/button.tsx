import type { ComponentChildren, JSX } from "preact";
import { Icon, type IconName } from "./icons";

interface ButtonProps {
  readonly children: ComponentChildren;
  readonly onClick?: () => void;
  readonly kind?: "primary" | "plain" | "quiet" | "danger";
  readonly icon?: IconName;
  /** Only the icon is shown; the words stay for those who cannot see it. */
  readonly iconOnly?: boolean;
  /** For switches: their state. */
  readonly pressed?: boolean;
  readonly disabled?: boolean;
  readonly type?: "button" | "submit";
  readonly testid?: string;
  readonly shortcut?: string;
}

export function Button(props: ButtonProps): JSX.Element {
  const { kind = "plain", type = "button" } = props;
  return (
    <button
      type={type}
      class={`button ${kind}${props.iconOnly ? " icon-only" : ""}`}
      onClick={props.onClick}
      disabled={props.disabled}
      aria-pressed={props.pressed}
      aria-keyshortcuts={props.shortcut}
      data-testid={props.testid}
    >
      {props.icon && <Icon name={props.icon} />}
      <span class="words">{props.children}</span>
    </button>
  );
}
