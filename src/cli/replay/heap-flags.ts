/** Keeps the process small while it streams. */
import { setFlagsFromString } from 'node:v8'

/**
 * What is read is thrown away at once, and V8 would let 200 MB of it lie around before it looks. Little room for the new,
 * and for the old to grow in, costs a few per cent of speed and keeps the process at a third. Both are read at each
 * collection, so that they may be set after the start.
 */
export function stayFlat(): void {
  setFlagsFromString('--semi-space-growth-factor=1')
  setFlagsFromString('--heap-growing-percent=10')
}
