/** A shorter time ends a healthy connection at the first lost segment, which the kernel sends again after 200 ms or more. */
export const leastDeadAfterMs = 1000;
