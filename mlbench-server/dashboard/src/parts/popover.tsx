import type { ComponentChildren } from "preact";
import { useId, useLayoutEffect, useRef, useState } from "preact/hooks";

/** A button that opens a panel beneath it. */
export interface PopoverProps {
  /** What the button shows. */
  button: ComponentChildren;
  /** The name of the button where what it shows is no text. */
  label?: string;
  class?: string;
  /** Whether the panel is a menu of actions. */
  menu?: boolean;
  tabIndex?: number;
  /** The panel; it is rendered only while it is open. */
  children: (close: () => void) => ComponentChildren;
}

/**
 * A panel in the top layer, which no scrolled container cuts off.
 *
 * The browser closes it for Escape and for a click elsewhere, and gives the focus back to the button.
 */
export function Popover({ button, label, menu = false, tabIndex, children, ...rest }: PopoverProps) {
  const [open, setOpen] = useState(false);
  const trigger = useRef<HTMLButtonElement>(null);
  const panel = useRef<HTMLDivElement>(null);
  const wasOpen = useRef(false);
  const id = useId();
  // The panel exists only while it is open: a table has one in every row.
  useLayoutEffect(() => {
    const [anchor, shown] = [trigger.current, panel.current];
    if (!open || anchor === null || shown === null) return;
    const place = anchor.getBoundingClientRect();
    shown.showPopover();
    shown.style.top = `${Math.max(8, Math.min(place.bottom + 4, innerHeight - shown.offsetHeight - 8))}px`;
    shown.style.left = `${Math.max(8, Math.min(place.left, innerWidth - shown.offsetWidth - 8))}px`;
    shown.querySelector<HTMLElement>("button, select, input, a")?.focus();
  }, [open]);
  return (
    <>
      <button
        type="button"
        ref={trigger}
        class={`button quiet ${rest.class ?? ""}`}
        aria-label={label}
        aria-haspopup={menu ? "menu" : "dialog"}
        aria-expanded={open}
        aria-controls={open ? id : undefined}
        tabIndex={tabIndex}
        onPointerDown={() => (wasOpen.current = open)}
        onClick={() => {
          // A click outside of the panel has closed it already; here it must not open again.
          if (!wasOpen.current) setOpen(!open);
          wasOpen.current = false;
        }}
      >
        {button}
      </button>
      {open && (
        <div
          id={id}
          ref={panel}
          popover="auto"
          class="popover"
          role={menu ? "menu" : "dialog"}
          aria-label={label}
          onToggle={(event) => event.newState === "closed" && setOpen(false)}
          onKeyDown={menu ? moveInMenu : undefined}
        >
          {children(() => panel.current?.hidePopover())}
        </div>
      )}
    </>
  );
}

function moveInMenu(event: KeyboardEvent) {
  if (!(event.currentTarget instanceof HTMLElement)) return;
  const items = [...event.currentTarget.querySelectorAll<HTMLElement>("[role=menuitem]")];
  const at = items.findIndex((item) => item === document.activeElement);
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 }[event.key];
  if (to === undefined) return;
  event.preventDefault();
  event.stopPropagation();
  items.at(to % items.length)?.focus();
}

/** An action of a menu. */
export interface MenuAction {
  label: string;
  danger?: boolean;
  run: () => void;
}

/** A button that opens a menu of actions. */
export function Menu({
  actions,
  ...rest
}: Omit<PopoverProps, "children" | "menu"> & { actions: MenuAction[] }) {
  return (
    <Popover {...rest} menu>
      {(close) =>
        actions.map(({ label, danger, run }) => (
          <button
            key={label}
            type="button"
            role="menuitem"
            class={danger === true ? "danger" : ""}
            onClick={() => {
              close();
              run();
            }}
          >
            {label}
          </button>
        ))
      }
    </Popover>
  );
}
