import { expect, it } from 'vitest'
import { type Received, toBaseUrls, toProxyHint, webhookPath } from '../../src/ingest/public-url.ts'

/** A request that came to port 8787 of this machine, with one thing changed. */
function baseUrls(change: Partial<Received> = {}, headers: Record<string, string> = {}): string[] {
  return toBaseUrls({
    trustProxy: false,
    headers: new Headers(headers),
    scheme: 'http',
    host: 'localhost:8787',
    path: '/webhooks/twilio',
    ...change,
  })
}

it.each([
  ['https://bridge.example', 'https://bridge.example/webhooks/twilio', '/webhooks/twilio'],
  ['https://bridge.example/', 'https://bridge.example/webhooks/twilio', '/webhooks/twilio'],
  ['HTTPS://Bridge.Example:8443/', 'HTTPS://Bridge.Example:8443/webhooks/twilio', '/webhooks/twilio'],
  ['http://[::1]:8787', 'http://[::1]:8787/webhooks/twilio', '/webhooks/twilio'],
])('[PU1] the bare origin %s stands for %s', (publicUrl, base, path) => {
  expect(baseUrls({ publicUrl })).toEqual([base])
  expect(webhookPath(publicUrl)).toBe(path)
})

it.each([
  ['https://bridge.example/hook', 'https://bridge.example/hook', '/hook'],
  ['https://bridge.example/hook/', 'https://bridge.example/hook/', '/hook/'],
  ['https://bridge.example//', 'https://bridge.example//', '//'],
  ['https://user:pass@bridge.example', 'https://user:pass@bridge.example', '/'],
  ['https://user:pass@bridge.example/', 'https://user:pass@bridge.example/', '/'],
  ["https://bridge.example/it's a/ü", "https://bridge.example/it's a/ü", "/it's%20a/%C3%BC"],
])('[PU2] the destination %s is used to the letter', (publicUrl, base, path) => {
  expect(baseUrls({ publicUrl })).toEqual([base])
  expect(webhookPath(publicUrl)).toBe(path)
})

it.each([
  ['https://bridge.example/hook?team=a?b#c', 'https://bridge.example/hook', '/hook'],
  ['https://bridge.example/hook#c?d', 'https://bridge.example/hook', '/hook'],
  ['https://bridge.example?team=a', 'https://bridge.example', '/'],
  ['https://bridge.example/?', 'https://bridge.example/', '/'],
])('[PU3] of %s counts what stands before the query or fragment: %s', (publicUrl, base, path) => {
  expect(baseUrls({ publicUrl })).toEqual([base])
  expect(webhookPath(publicUrl)).toBe(path)
})

it('[PU4] PUBLIC_URL wins over whatever the request says', () => {
  const forwarded = { 'x-forwarded-proto': 'http', 'x-forwarded-host': 'other.example' }
  const publicUrl = 'https://bridge.example/hook'
  expect(baseUrls({ publicUrl, trustProxy: true, path: '/inner' }, forwarded)).toEqual([publicUrl])
})

it("[PU5] without PUBLIC_URL the request's own scheme, Host and raw path count", () => {
  expect(baseUrls()).toEqual(['http://localhost:8787/webhooks/twilio'])
  expect(baseUrls({ scheme: 'https', host: 'Bridge.example', path: "/a%2Fb/it's" })).toEqual([
    "https://Bridge.example/a%2Fb/it's",
  ])
  expect(webhookPath(undefined)).toBe('/webhooks/twilio')
})

it('[PU5] without a Host there is no URL', () => {
  expect(baseUrls({ host: undefined })).toEqual([])
  expect(baseUrls({ host: '' })).toEqual([])
})

it('[PU6] forwarded headers count only behind a trusted proxy', () => {
  const forwarded = { 'x-forwarded-proto': 'https', 'x-forwarded-host': 'bridge.example' }
  expect(baseUrls({}, forwarded)).toEqual(['http://localhost:8787/webhooks/twilio'])
  expect(baseUrls({ trustProxy: true }, forwarded)).toEqual(['https://bridge.example/webhooks/twilio'])
})

it('[PU6] of a list the first value counts; an unusable or missing one leaves what was received', () => {
  const proxied = (headers: Record<string, string>) => baseUrls({ trustProxy: true }, headers)
  expect(
    proxied({ 'x-forwarded-proto': 'HTTPS, http', 'x-forwarded-host': ' bridge.example , inner' }),
  ).toEqual(['https://bridge.example/webhooks/twilio'])
  expect(proxied({ 'x-forwarded-proto': 'https' })).toEqual(['https://localhost:8787/webhooks/twilio'])
  expect(proxied({ 'x-forwarded-host': 'bridge.example' })).toEqual(['http://bridge.example/webhooks/twilio'])
  expect(proxied({ 'x-forwarded-proto': 'ftp', 'x-forwarded-host': '' })).toEqual([
    'http://localhost:8787/webhooks/twilio',
  ])
})

it.each([
  [{ 'x-forwarded-port': '8443' }, /X-Forwarded-Port: 8443/],
  [{ 'x-forwarded-prefix': '/twilio' }, /X-Forwarded-Prefix: \/twilio/],
  [{ forwarded: 'for=192.0.2.1;proto=https;host="other.example"' }, /Forwarded: for=192/],
  [{ forwarded: 'proto=http' }, /Forwarded: proto=http/],
  [
    { 'x-forwarded-host': 'other.example', 'x-forwarded-proto': 'http' },
    /X-Forwarded-Host: other.*X-Forwarded-Proto: http/,
  ],
  [
    { 'x-forwarded-port': '443', 'x-forwarded-prefix': '/web', forwarded: 'proto=https;host=bridge.example' },
    undefined,
  ],
  [{ 'x-forwarded-host': 'bridge.example', 'x-forwarded-proto': 'HTTPS' }, undefined],
  [{}, undefined],
])('[PU130] a mismatch names the header of a proxy that differs, and no other: %j', (headers, told) => {
  const received = {
    publicUrl: 'https://bridge.example/webhooks/twilio',
    trustProxy: false,
    headers: new Headers(Object.entries(headers)),
    scheme: 'http',
    host: 'localhost:8787',
    path: '/webhooks/twilio',
  } as const
  const hint = toProxyHint(received)
  if (told) expect(hint).toMatch(told)
  else expect(hint).toBeUndefined()
})
