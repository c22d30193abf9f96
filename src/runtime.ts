/**
 * What a host must bring, and the outbox as the path sees it. Types only, and the one limit that both sides of it know.
 * A Worker reaches its outbox by RPC and Node reaches it in another thread, so everything here may be awaited.
 */

export type Awaitable<T> = T | Promise<T>

/** The digests of a Twilio signature. node:crypto is five times faster on Node than Web Crypto, hence a port. */
export type Digests = {
  /** base64 of HMAC-SHA1 over the UTF-8 of `text`. */
  hmacSha1(key: string, text: string): Awaitable<string>
  /** base64 of HMAC-SHA256 over the UTF-8 of `text`. */
  hmacSha256(key: string, text: string): Awaitable<string>
  /** Lower-case hex of SHA-256. */
  sha256(bytes: Uint8Array): Awaitable<string>
}

/** Lower-case hex of HMAC-SHA256 over the UTF-8 of `text`. In the middle of a mapping, so it cannot be awaited. */
export type KeyedHash = (key: string, text: string) => string

/** The content codings of RFC 9110 that are in use, and the deflate without its header that some senders make of one. */
export type ContentCoding = 'gzip' | 'deflate' | 'deflate-raw' | 'br'

/** Undoes a content coding, and stops at the limit: a few bytes may be the coding of a gigabyte. */
export type Decompress = (
  bytes: Uint8Array,
  coding: ContentCoding,
  limitBytes: number,
) => Promise<Uint8Array | 'body_too_large' | 'damaged'>

/**
 * Stores a file in a folder, under a path with `/` between its parts, in place of what was there by that name. Once it resolves
 * the file is on disk for good; until then nobody sees a part of it. Rejects with an error that has a `code`, such as ENOSPC.
 */
export type WriteFile = (folder: string, path: string, bytes: Uint8Array) => Promise<void>

/** One file of the debugger page. */
export type PageFile = {
  readonly type: string
  readonly etag: string
  readonly body: Uint8Array<ArrayBuffer>
}

/** The file of this name, such as `views/health.js`. Names come checked: they lead nowhere but into the page's folder. */
export type Page = (name: string) => Awaitable<PageFile | undefined>

/** One line an incident; `fields` never hold a secret or a full phone number. */
export type Log = {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}
