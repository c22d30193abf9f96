/** All that is used of it; @types/node would let the whole core see Node. */
declare module 'node:crypto' {
  type Digest = { update(data: string | Uint8Array): Digest; digest(encoding: 'hex' | 'base64'): string }
  export function createHash(algorithm: 'sha256'): Digest
  export function createHmac(algorithm: 'sha1' | 'sha256', key: string): Digest
}
