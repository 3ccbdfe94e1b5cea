/**
 * Keeps the focus on the page until the returned function is called.
 *
 * When a change of the page removes what has the focus, a browser leaves it nowhere. The open dialog takes it then, or
 * the content of the page.
 */
export function keepFocus(): () => void {
  let last: Element | null = null;
  const remember = ({ target }: FocusEvent) => (last = target instanceof Element ? target : null);
  const observer = new MutationObserver(() => {
    if (last === null || last.isConnected || document.activeElement !== document.body) return;
    last = null;
    const dialog = document.querySelector<HTMLElement>("dialog[open]");
    (dialog ?? document.getElementById("content"))?.focus({ preventScroll: true });
  });
  document.addEventListener("focusin", remember);
  observer.observe(document.body, { childList: true, subtree: true });
  return () => {
    document.removeEventListener("focusin", remember);
    observer.disconnect();
  };
}
