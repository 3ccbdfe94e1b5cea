import type { ComponentChildren } from "preact";

import { address } from "../lib/base";
import { navigate } from "../lib/navigation";

/** What a link shows and where it leads. */
export interface LinkProps {
  /** A path such as `runs/3`. */
  to: string;
  class?: string;
  current?: boolean;
  /** The name where what it shows is no text. */
  label?: string;
  tabIndex?: number;
  children: ComponentChildren;
}

/** A link to a page of the dashboard. */
export function Link({ to, current, label, children, ...rest }: LinkProps) {
  const follow = (event: MouseEvent) => {
    if (event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    navigate(to);
  };
  return (
    <a
      href={address(to)}
      onClick={follow}
      aria-current={current === true ? "page" : undefined}
      aria-label={label}
      {...rest}
    >
      {children}
    </a>
  );
}
