// Drawing less often than there are changes.

/**
 * Returns a function that has `draw` called once, however often it is called before that.
 * schedule(run): calls `run` when it is time to draw.
 */
export function coalesce(draw, schedule) {
  let isScheduled = false;
  return () => {
    if (isScheduled) return;
    isScheduled = true;
    schedule(() => {
      isScheduled = false;
      draw();
    });
  };
}

/** Like `coalesce`: draws soon, or after `pause` ms while there are more than `few` of what `count()` counts. */
export function coalesceCrowd(draw, { count, few, pause }) {
  return coalesce(draw, (run) => setTimeout(run, count() > few ? pause : 0));
}
