/** What part of the room is seen: a point of the room is drawn at `point * scale + offset`, in CSS pixels. */
export interface View {
  readonly scale: number;
  readonly x: number;
  readonly y: number;
}

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** Largest scale: a seat is then large enough for a thumb. */
const MAX_SCALE = 3.2;
/** How far beyond the whole room one can zoom out. */
const MIN_SHARE_OF_FIT = 0.9;

/** The whole room in the middle of the window. */
export function wholeRoom(room: Size, window: Size): View {
  const scale = Math.min(window.width / room.width, window.height / room.height, MAX_SCALE);
  return clamp(
    { scale, x: (window.width - room.width * scale) / 2, y: (window.height - room.height * scale) / 2 },
    room,
    window,
  );
}

/** Zooms by a factor while a point of the window stays where it is. */
export function zoomAt(
  view: View,
  factor: number,
  point: { readonly x: number; readonly y: number },
  room: Size,
  window: Size,
): View {
  const least = Math.min(window.width / room.width, window.height / room.height) * MIN_SHARE_OF_FIT;
  const scale = Math.min(MAX_SCALE, Math.max(Math.min(least, MAX_SCALE), view.scale * factor));
  const change = scale / view.scale;
  return clamp(
    { scale, x: point.x - (point.x - view.x) * change, y: point.y - (point.y - view.y) * change },
    room,
    window,
  );
}

/** Moves by a distance in CSS pixels. */
export function pan(view: View, dx: number, dy: number, room: Size, window: Size): View {
  return clamp({ ...view, x: view.x + dx, y: view.y + dy }, room, window);
}

/** A part of the room in the middle of the window, as large as it fits. */
export function show(part: Size & { readonly x: number; readonly y: number }, room: Size, window: Size): View {
  const scale = Math.min(MAX_SCALE, (window.width / part.width) * 0.9, (window.height / part.height) * 0.9);
  const x = window.width / 2 - (part.x + part.width / 2) * scale;
  const y = window.height / 2 - (part.y + part.height / 2) * scale;
  return clamp({ scale, x, y }, room, window);
}

/** Moves only as far as it takes for a point of the room to be seen, with space around it. */
export function reveal(
  view: View,
  point: { readonly x: number; readonly y: number },
  space: number,
  room: Size,
  window: Size,
): View {
  const x = point.x * view.scale + view.x;
  const y = point.y * view.scale + view.y;
  const dx = Math.max(space - x, 0) + Math.min(window.width - space - x, 0);
  const dy = Math.max(space - y, 0) + Math.min(window.height - space - y, 0);
  return dx === 0 && dy === 0 ? view : pan(view, dx, dy, room, window);
}

/** The point of the room at a point of the window. */
export function toRoom(
  view: View,
  point: { readonly x: number; readonly y: number },
): { readonly x: number; readonly y: number } {
  return { x: (point.x - view.x) / view.scale, y: (point.y - view.y) / view.scale };
}

/** Keeps a part of the room in the window: it cannot be pushed out of sight. */
function clamp({ scale, x, y }: View, room: Size, window: Size): View {
  return {
    scale,
    x: clampAxis(x, room.width * scale, window.width),
    y: clampAxis(y, room.height * scale, window.height),
  };
}

function clampAxis(offset: number, size: number, window: number): number {
  if (size <= window) return (window - size) / 2;
  return Math.min(0, Math.max(window - size, offset));
}
