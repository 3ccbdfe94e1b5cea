import type { Tick } from "./model";
import type { Box } from "./paint";
import type { Palette } from "./palette";

/** What a frame shows: ticks are at fractions of their axis. */
export interface FrameState {
  width: number;
  height: number;
  /** The least width of the labels of the y axis. */
  least: number;
  x: readonly Tick[];
  y: readonly Tick[];
  palette: Palette;
}

/** What a pointer does in a frame, in fractions of the plot. */
export interface FrameEvents {
  /** The pointer moves, or leaves the plot. */
  point(at: number | null): void;
  select(from: number, to: number): void;
  reset(): void;
}

const FONT = '11px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif';
const TOP = 8;
/** Half a date, the widest label of an axis, has its place at the end. */
const RIGHT = 22;
const BOTTOM = 26;
const GAP = 6;
/** From how many pixels on a movement selects. */
const DRAG = 5;

/** The canvas of a chart with its axes, crosshair and selection. */
export class Frame {
  /** The plot in pixels of the canvas. */
  box: Box = { left: 0, top: 0, width: 0, height: 0 };
  /** The element over the plot. */
  readonly over = division("chart-over");
  private readonly canvas = document.createElement("canvas");
  private readonly context = this.canvas.getContext("2d");
  private readonly hair = division("chart-hair");
  private readonly selection = division("chart-selection");
  /** Where the pointer was pressed. */
  private from: number | null = null;

  constructor(
    root: HTMLElement,
    private readonly events: FrameEvents,
  ) {
    this.hair.hidden = true;
    this.selection.hidden = true;
    this.over.append(this.hair, this.selection);
    root.append(this.canvas, this.over);
    this.over.addEventListener("pointerdown", (event) => this.press(event));
    this.over.addEventListener("pointermove", (event) => this.move(event));
    this.over.addEventListener("pointerup", (event) => this.release(event));
    this.over.addEventListener("lostpointercapture", () => this.drop());
    this.over.addEventListener("pointerleave", ({ pointerType }) => {
      if (pointerType === "mouse" && this.from === null) events.point(null);
    });
    this.over.addEventListener("dblclick", () => events.reset());
  }

  /** The pixels of the screen in a pixel of the page. */
  get ratio(): number {
    return devicePixelRatio;
  }

  /** The width of the plot in pixels of the page. */
  get pixels(): number {
    return Math.max(1, Math.round(this.box.width / this.ratio));
  }

  /** Makes room for a drawing; returns whether that has emptied the canvas. */
  layOut({ width, height, least, y }: FrameState): boolean {
    const { canvas, over, ratio } = this;
    const left = Math.round(Math.max(least, ...y.map(({ text }) => text.length * 6.4 + 14)));
    const across = Math.max(0, width - left - RIGHT);
    const high = Math.max(0, height - TOP - BOTTOM);
    const px = (length: number) => Math.round(length * ratio);
    const box = { left: px(left), top: px(TOP), width: px(across), height: px(high) };
    const { box: old } = this;
    if (box.left !== old.left || box.width !== old.width || box.height !== old.height) {
      Object.assign(over.style, {
        left: `${left}px`,
        top: `${TOP}px`,
        width: `${across}px`,
        height: `${high}px`,
      });
    }
    this.box = box;
    if (canvas.width === px(width) && canvas.height === px(height)) return false;
    [canvas.width, canvas.height] = [px(width), px(height)];
    Object.assign(canvas.style, { width: `${width}px`, height: `${height}px` });
    return true;
  }

  /** Draws the axes, and then what `curves` draws. */
  draw(state: FrameState, curves: (context: CanvasRenderingContext2D) => void): void {
    const { canvas, context, ratio } = this;
    if (context === null) return;
    const { height, palette } = state;
    const { left, top, width: across, height: high } = this.box;
    context.clearRect(0, 0, canvas.width, canvas.height);
    context.font = FONT;
    context.fillStyle = palette.muted;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.textAlign = "right";
    context.textBaseline = "middle";
    for (const { at, text } of state.y) {
      context.fillText(text, left / ratio - GAP, (top + (1 - at) * high) / ratio);
    }
    context.textAlign = "center";
    context.textBaseline = "top";
    for (const { at, text } of state.x) {
      const middle = labelMiddle((left + at * across) / ratio, context.measureText(text).width, state.width);
      context.fillText(text, middle, height - BOTTOM + GAP);
    }
    context.resetTransform();
    context.fillStyle = palette.line;
    const thick = Math.max(1, Math.round(ratio));
    for (const { at } of state.y) {
      context.fillRect(left, Math.round(top + (1 - at) * high - thick / 2), across, thick);
    }
    if (across > 0 && high > 0) curves(context);
  }

  /** Shows the crosshair at a fraction of the plot. */
  point(at: number | null): void {
    this.hair.hidden = at === null;
    if (at !== null) this.hair.style.transform = `translateX(${Math.round(at * this.pixels)}px)`;
  }

  /** Removes the frame from its page. */
  destroy(): void {
    this.canvas.remove();
    this.over.remove();
  }

  private fractionOf(event: PointerEvent): number {
    const { left, width } = this.over.getBoundingClientRect();
    return width > 0 ? Math.min(1, Math.max(0, (event.clientX - left) / width)) : 0;
  }

  private press(event: PointerEvent): void {
    const at = this.fractionOf(event);
    this.events.point(at);
    // A finger scrolls the page or moves the crosshair.
    if (event.pointerType === "touch" || event.button !== 0) return;
    this.from = at;
    this.over.setPointerCapture(event.pointerId);
  }

  private move(event: PointerEvent): void {
    const at = this.fractionOf(event);
    this.events.point(at);
    if (this.from === null) return;
    const { pixels } = this;
    this.selection.hidden = Math.abs(at - this.from) * pixels < DRAG;
    this.selection.style.left = `${Math.min(at, this.from) * pixels}px`;
    this.selection.style.width = `${Math.abs(at - this.from) * pixels}px`;
  }

  private release(event: PointerEvent): void {
    const { from } = this;
    if (from === null) return;
    this.drop();
    const to = this.fractionOf(event);
    if (Math.abs(to - from) * this.pixels >= DRAG) {
      this.events.select(Math.min(from, to), Math.max(from, to));
    }
  }

  private drop(): void {
    this.from = null;
    this.selection.hidden = true;
  }
}

/** Returns where the middle of a label is so that the edge of its canvas does not cut it. */
export function labelMiddle(tick: number, label: number, canvas: number): number {
  return Math.min(tick, canvas - label / 2);
}

function division(name: string): HTMLDivElement {
  const made = document.createElement("div");
  made.className = name;
  return made;
}
