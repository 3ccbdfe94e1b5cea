import { dashOf } from "./model";

/** A piece of a curve in its colour and dash, for legends. */
export function Swatch({ color }: { color: number }) {
  return (
    <svg class={`curve curve-${color % 8}`} width="18" height="10" aria-hidden="true">
      <line x1="1" y1="5" x2="17" y2="5" stroke-dasharray={dashOf(color).join(" ")} />
    </svg>
  );
}
