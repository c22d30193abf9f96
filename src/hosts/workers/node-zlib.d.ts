/** All that is used of it; @types/node would let the whole core see Node. */
declare module 'node:zlib' {
  type Undo = (
    bytes: Uint8Array,
    options: { maxOutputLength: number },
    done: (error: Error | null, decoded: Uint8Array) => void,
  ) => void
  export const gunzip: Undo
  export const inflate: Undo
  export const inflateRaw: Undo
  export const brotliDecompress: Undo
}
