/** An element of the page, or what is nearest to where it was. */
export interface Place {
  /** Null where nothing is left. */
  element: Element | null;
}

/** The places that somebody wants to come back to. */
const held = new Set<Place>();

/** Remembers where an element is until `release`, also when a change of the page removes it. */
export function hold(element: Element | null): Place {
  const place = { element };
  held.add(place);
  return place;
}

/** Forgets a place. */
export function release(place: Place): void {
  held.delete(place);
}

/** Focuses what is at a place now, or else the open dialog or the content of the page. */
export function focusAt(place: Place): void {
  // A change may be too new to have been seen.
  if (observer !== undefined) follow(observer.takeRecords());
  const { element } = place;
  const dialog = document.querySelector("dialog[open]");
  const inReach = dialog === null || dialog.contains(element);
  const to = inReach && takesFocus(element) ? element : (dialog ?? document.getElementById("content"));
  if (to instanceof HTMLElement) to.focus({ preventScroll: true });
}

/** What has the focus, or had it last. */
const last = hold(null);
/** What had the focus before it came to a message, and whether it is there. */
const before = hold(null);
let aside = false;

let observer: MutationObserver | undefined;

/**
 * Keeps the focus on the page until the returned function is called.
 *
 * When a change of the page removes, moves, hides or disables what has the focus, a browser leaves the focus nowhere.
 * It then goes to the nearest control. From a message that closes it goes back to where it came from.
 */
export function keepFocus(): () => void {
  observer = new MutationObserver((records) => {
    if (follow(records) && document.activeElement === document.body) focusAt(aside ? before : last);
    // A browser sends no event when what has the focus cannot have it any more.
    if (records.some(({ type, target }) => type === "attributes" && target.contains(last.element))) {
      requestAnimationFrame(look);
    }
  });
  const stop = new AbortController();
  document.addEventListener("focusin", entered, stop);
  document.addEventListener("focusout", left, stop);
  observer.observe(document.body, {
    childList: true,
    subtree: true,
    attributeFilter: ["disabled", "hidden"],
  });
  return () => {
    stop.abort();
    observer?.disconnect();
  };
}

function entered({ target }: FocusEvent): void {
  if (!(target instanceof Element)) return;
  const inAside = target.closest("[data-aside]") !== null;
  if (inAside && !aside) before.element = last.element;
  aside = inAside;
  last.element = target;
}

function left({ relatedTarget }: FocusEvent): void {
  if (relatedTarget === null) requestAnimationFrame(look);
}

/** Moves the focus away from what does not take it any more. */
function look(): void {
  const { activeElement } = document;
  if (activeElement !== document.body && activeElement !== last.element) return;
  if (last.element === null) return;
  if (!isUsable(last.element)) {
    last.element = nearTo(last.element);
    focusAt(aside ? before : last);
    // Somebody clicked beside the controls.
  } else if (activeElement === document.body) last.element = null;
}

/** Moves the places that changes removed; returns whether what has the focus was taken from its place. */
function follow(records: readonly MutationRecord[]): boolean {
  const lost = records.some((record) => removes(record, last.element));
  for (const place of held) {
    if (place.element?.isConnected === false) place.element = neighbour(place.element, records);
  }
  return lost;
}

const CONTROLS = "a[href], button, input, select, textarea, summary, [tabindex]";

function takesFocus(element: Element | null): boolean {
  return element !== null && element.matches(CONTROLS) && isUsable(element);
}

function isUsable(element: Element): boolean {
  return !element.matches(":disabled") && element.getClientRects().length > 0;
}

function removes({ removedNodes }: MutationRecord, node: Node | null): boolean {
  return node !== null && [...removedNodes].some((removed) => removed.contains(node));
}

/** Returns the control that is nearest to where a removed element was. */
function neighbour(element: Element, records: readonly MutationRecord[]): Element | null {
  let gone: Node = element;
  for (const record of records) {
    if (!removes(record, gone)) continue;
    gone = record.target;
    if (gone.isConnected) return nearest(gone, record.nextSibling, record.previousSibling);
  }
  return null;
}

function nearTo(element: Element): Element | null {
  return nearest(element.parentNode, element.nextSibling, element.previousSibling);
}

/** Returns the nearest control around a place, those that follow it first; null where its page has none. */
function nearest(parent: Node | null, next: Node | null, previous: Node | null): Element | null {
  for (let node = next; node !== null; node = node.nextSibling) {
    const found = controlsIn(node)[0];
    if (found !== undefined) return found;
  }
  for (let node = previous; node !== null; node = node.previousSibling) {
    const controls = controlsIn(node);
    const found = controls[0] === node ? controls[0] : controls.at(-1);
    if (found !== undefined) return found;
  }
  if (!(parent instanceof Element) || parent.matches("main, body")) return null;
  return controlsIn(parent)[0] ?? nearTo(parent);
}

function controlsIn(node: Node): HTMLElement[] {
  if (!(node instanceof HTMLElement)) return [];
  const all = [node, ...node.querySelectorAll<HTMLElement>(CONTROLS)];
  return all.filter((element) => element.tabIndex >= 0 && takesFocus(element));
}
