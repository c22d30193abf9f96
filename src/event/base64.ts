/** Bytes → base64, on any host. Pure. */
const CHUNK_BYTES = 3_072 // a multiple of 3, so that only the last chunk is padded; few enough to be arguments

export function toBase64(bytes: Uint8Array): string {
  let base64 = ''
  for (let start = 0; start < bytes.length; start += CHUNK_BYTES) {
    // Not by spreading, which walks an iterator and takes ten times as long.
    base64 += btoa(Reflect.apply(String.fromCharCode, undefined, bytes.subarray(start, start + CHUNK_BYTES)))
  }
  return base64
}
