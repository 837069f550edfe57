/** What fingers, mouse and wheel ask of the map; points are in CSS pixels of the window. */
export interface Gestures {
  pan(dx: number, dy: number): void;
  zoom(factor: number, point: Point): void;
  /** A tap or click that did not move. */
  tap(point: Point): void;
  doubleTap(point: Point): void;
  hover(point: Point | undefined): void;
  /** The user let go: the picture may be drawn anew. */
  settle(): void;
}

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** A finger that moves less than this still taps, in CSS pixels. */
const TAP_SLOP_PX = 8;
const DOUBLE_TAP_MS = 300;
const WHEEL_RATE = 0.0016;
/** A wheel that has stood still for this long has stopped. */
const WHEEL_PAUSE_MS = 140;

/** Listens to an element, and returns the function that stops listening. One pointer pans, two pinch, the wheel zooms. */
export function listenToGestures(element: HTMLElement, gestures: Gestures): () => void {
  const pointers = new Map<number, Point>();
  let moved = 0;
  let lastTap: { readonly at: number; readonly point: Point } | undefined;
  let wheelEnd: ReturnType<typeof setTimeout> | undefined;
  const stop = new AbortController();
  const { signal } = stop;
  const pointOf = ({ clientX, clientY }: MouseEvent): Point => {
    const { left, top } = element.getBoundingClientRect();
    return { x: clientX - left, y: clientY - top };
  };

  element.addEventListener(
    'pointerdown',
    (event) => {
      if (event.button !== 0) return;
      if (pointers.size === 0) moved = 0;
      pointers.set(event.pointerId, pointOf(event));
      element.setPointerCapture(event.pointerId);
    },
    { signal },
  );
  element.addEventListener(
    'pointermove',
    (event) => {
      const point = pointOf(event);
      const before = pointers.get(event.pointerId);
      if (!before) {
        if (event.pointerType === 'mouse') gestures.hover(point);
        return;
      }
      const [a, b] = [...pointers.values()];
      pointers.set(event.pointerId, point);
      moved += Math.hypot(point.x - before.x, point.y - before.y);
      if (a && b) {
        const [c = a, d = b] = [...pointers.values()];
        gestures.pan((c.x + d.x - a.x - b.x) / 2, (c.y + d.y - a.y - b.y) / 2);
        gestures.zoom(distance(c, d) / Math.max(1, distance(a, b)), middle(c, d));
      } else if (moved > TAP_SLOP_PX) gestures.pan(point.x - before.x, point.y - before.y);
    },
    { signal },
  );
  const release = (event: PointerEvent) => {
    if (!pointers.delete(event.pointerId) || pointers.size > 0) return;
    const point = pointOf(event);
    if (event.type === 'pointerup' && moved <= TAP_SLOP_PX) {
      const isDouble =
        lastTap && event.timeStamp - lastTap.at < DOUBLE_TAP_MS && distance(lastTap.point, point) < 3 * TAP_SLOP_PX;
      lastTap = isDouble ? undefined : { at: event.timeStamp, point };
      if (isDouble) gestures.doubleTap(point);
      else gestures.tap(point);
    }
    gestures.settle();
  };
  element.addEventListener('pointerup', release, { signal });
  element.addEventListener('pointercancel', release, { signal });
  element.addEventListener('pointerleave', () => gestures.hover(undefined), { signal });
  element.addEventListener(
    'wheel',
    (event) => {
      event.preventDefault();
      gestures.zoom(Math.exp(-event.deltaY * (event.deltaMode === 1 ? 16 : 1) * WHEEL_RATE), pointOf(event));
      clearTimeout(wheelEnd);
      wheelEnd = setTimeout(() => gestures.settle(), WHEEL_PAUSE_MS);
    },
    { signal, passive: false },
  );
  return () => {
    clearTimeout(wheelEnd);
    stop.abort();
  };
}

function distance(a: Point, b: Point): number {
  return Math.hypot(a.x - b.x, a.y - b.y);
}

function middle(a: Point, b: Point): Point {
  return { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 };
}
