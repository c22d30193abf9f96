/** One clock for all processes of a run: CLOCK_MONOTONIC, in milliseconds. */
export const monotonicMs = (): number => Number(process.hrtime.bigint() / 1_000n) / 1_000
