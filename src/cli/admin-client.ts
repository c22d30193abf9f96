/** The running bridge, asked from outside as anybody may ask it who has the admin token. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Settings } from '../config.ts'

const ANSWER_WITHIN_MS = 10_000

/** The setting, or the token that a bridge of this machine has made; it is never made here. */
export function findAdminToken({ ADMIN_TOKEN, DATA_DIR }: Settings): string | undefined {
  if (ADMIN_TOKEN) return ADMIN_TOKEN
  try {
    return readFileSync(join(DATA_DIR, 'admin-token'), 'utf8').trim() || undefined
  } catch {
    return undefined
  }
}

/** Where a bridge with these settings listens, seen from this machine. */
export function toLocalOrigin({ HOST, PORT }: Settings): string {
  const host = HOST === '0.0.0.0' || HOST === '::' ? 'localhost' : HOST
  return `http://${host.includes(':') ? `[${host}]` : host}:${PORT}`
}

export function isLoopback(url: string): boolean {
  const { hostname } = new URL(url)
  return hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname)
}

export type Asked =
  | { readonly ok: true; readonly status: number; readonly text: string; readonly headers: Headers }
  | { readonly ok: false; readonly cause: string }

/** One request without redirects; any answer is ok, whatever its status. */
export async function ask(url: string, init: RequestInit = {}, timeoutMs = ANSWER_WITHIN_MS): Promise<Asked> {
  try {
    const signal = AbortSignal.timeout(timeoutMs)
    const response = await fetch(url, { redirect: 'manual', signal, ...init })
    return { ok: true, status: response.status, text: await response.text(), headers: response.headers }
  } catch (error) {
    return { ok: false, cause: toCause(error) }
  }
}

/** `fetch failed` says nothing; what caused it does. */
export function toCause(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (error.name === 'TimeoutError') return 'no answer in time'
  if (error instanceof AggregateError && error.errors.length > 0) return toCause(error.errors[0])
  if (error.cause !== undefined) return toCause(error.cause)
  return error.message || ('code' in error ? String(error.code) : error.name)
}

export function asBearer(token: string | undefined): RequestInit {
  return token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } }
}

/** The answer as JSON, or `undefined`. */
export function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
