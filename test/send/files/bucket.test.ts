/** Files in S3-compatible storage: a server that checks signatures, and a proxy that makes its faults. */
import { AwsClient } from 'aws4fetch'
import { describe, expect, test } from 'vitest'
import type { BucketTarget } from '../../../src/send/files/bucket.ts'
import { createFiles } from '../../../src/send/files/files.ts'
import type { FileMessage } from '../../../src/send/files/line.ts'
import { registerDestinationContract } from '../../support/destination-contract.ts'
import { neverAborted } from '../../support/dispatcher.ts'
import {
  cannotStore,
  readPacked,
  type StorageFault,
  startStorage,
  toErrorDocument,
} from '../../support/storage.ts'
import { inboundMessage, messageStatus } from '../../support/twilio.ts'

const without = cannotStore()
const RECEIVED_AT = Date.parse('2026-01-02T03:04:05.678Z')

type More = { readonly now?: () => number; readonly timeoutMs?: number; readonly send?: typeof fetch }

function openFiles(target: BucketTarget, { now = Date.now, timeoutMs, send = fetch }: More = {}) {
  const destination = createFiles({ name: 'facts', target, everySeconds: 300 }, { send, now }, timeoutMs)
  return {
    ...destination,
    messages: (...events: readonly object[]) =>
      events.map(element => {
        const mapped = destination.map({ element, receivedAt: RECEIVED_AT })
        if (!mapped.ok) throw new Error(mapped.reason)
        return mapped.message
      }),
    store: (messages: readonly FileMessage[]) => destination.deliver(messages, neverAborted),
  }
}

if (without === undefined)
  registerDestinationContract('files in a bucket', async () => {
    const storage = await startStorage()
    return {
      destination: createFiles(
        { name: 'facts', target: storage.target, everySeconds: 300 },
        { send: fetch, now: Date.now },
      ),
      received: () =>
        [...new Set(storage.puts.map(({ path }) => path))].flatMap(path =>
          readPacked(storage.stored.get(path) ?? new Uint8Array()).map(({ id }) => id),
        ),
      hang() {
        storage.fail({ kind: 'hang' })
        return storage.hanging()
      },
      [Symbol.asyncDispose]: () => storage[Symbol.asyncDispose](),
    }
  })

const title = `files in a bucket${without === undefined ? '' : ` (skipped: ${without})`}`

describe.skipIf(without !== undefined)(title, () => {
  test('[FI9] a file is stored by a signed PUT, and anybody with the key can read it back', async () => {
    await using storage = await startStorage()
    const files = openFiles(storage.target)
    const events = [messageStatus(), messageStatus({ type: 'sent' }), messageStatus()]
    const outcome = await files.store(files.messages(...events))
    expect(outcome).toMatchObject({
      kind: 'accepted',
      status: 200,
      answer: expect.stringMatching(/^2 files, \d+ bytes$/),
    })
    const paths = [...storage.stored.keys()].sort()
    expect(paths.map(path => path.replace(/[0-9a-f]{32}/, '#'))).toEqual(
      ['delivered', 'sent'].map(
        type =>
          `/facts/twilio/a b/event_type=com.twilio.messaging.message.${type}/received_date=2026-01-02/received_hour=03/20260102T030405Z-#.ndjson.gz`,
      ),
    )
    const client = new AwsClient({ ...storage.target, service: 's3' })
    const [delivered = ''] = paths
    const answer = await client.fetch(storage.target.endpoint + encodeURI(delivered))
    expect(answer.headers.get('content-type')).toBe('application/gzip')
    expect(readPacked(new Uint8Array(await answer.arrayBuffer()))).toEqual([events[0], events[2]])
  })

  test('[FI9] a wrong secret is refused by the storage', async () => {
    await using storage = await startStorage()
    const secretAccessKey = 'another-secret-key'
    const files = openFiles({ ...storage.target, secretAccessKey })
    const outcome = await files.store(files.messages(messageStatus()))
    expect(outcome).toMatchObject({
      ...{ kind: 'failed', reason: 'bucket_unauthorized', status: 403 },
      answer: expect.stringMatching(/^SignatureDoesNotMatch: /),
    })
    expect(storage.stored.size).toBe(0)
  })

  test('[FI10] a bucket that is not there has its own reason', async () => {
    await using storage = await startStorage()
    const nowhere = openFiles({ ...storage.target, bucket: 'elsewhere' })
    expect(await nowhere.store(nowhere.messages(messageStatus()))).toMatchObject({
      ...{ kind: 'failed', reason: 'bucket_missing', status: 404 },
    })
  })

  type Case = { reason: string; status: number; body?: string; headers?: Record<string, string> }
  const elsewhere = { 'x-amz-bucket-region': 'us-west-2' }
  const named = '<Region>us-west-2</Region>'
  const cases: readonly Case[] = [
    {
      reason: 'bucket_region_wrong',
      status: 301,
      body: toErrorDocument('PermanentRedirect'),
      headers: elsewhere,
    },
    { reason: 'bucket_region_wrong', status: 307, headers: elsewhere },
    {
      reason: 'bucket_region_wrong',
      status: 400,
      body: toErrorDocument('AuthorizationHeaderMalformed', named),
    },
    { reason: 'bucket_unauthorized', status: 403, body: toErrorDocument('AccessDenied') },
    { reason: 'bucket_unauthorized', status: 401 },
    { reason: 'bucket_clock_wrong', status: 403, body: toErrorDocument('RequestTimeTooSkewed') },
    { reason: 'bucket_missing', status: 404 },
    { reason: 'bucket_throttled', status: 503, body: toErrorDocument('SlowDown') },
    { reason: 'bucket_throttled', status: 429 },
    { reason: 'bucket_failing', status: 503, body: toErrorDocument('ServiceUnavailable') },
    { reason: 'bucket_failing', status: 500, body: toErrorDocument('InternalError') },
    { reason: 'bucket_failing', status: 507 },
    { reason: 'bucket_timeout', status: 400, body: toErrorDocument('RequestTimeout') },
    { reason: 'bucket_misrouted', status: 405, body: 'no such method' },
    { reason: 'bucket_misrouted', status: 400, body: toErrorDocument('InvalidRequest') },
    { reason: 'bucket_misrouted', status: 200, body: '<!DOCTYPE html><title>Log in</title>' },
  ]
  test.each(cases)('[FI10] $status $body is $reason', async ({ reason, status, body = '', headers = {} }) => {
    await using storage = await startStorage()
    const files = openFiles(storage.target)
    storage.fail({ kind: 'answer', status, body, headers })
    const outcome = await files.store(files.messages(messageStatus()))
    expect(outcome).toMatchObject({ kind: 'failed', reason, status })
    if (reason === 'bucket_region_wrong') expect(JSON.stringify(outcome)).toContain('us-west-2')
    expect(storage.puts.length).toBe(1)
  })

  test('[FI10] a wait that the storage names is passed on', async () => {
    await using storage = await startStorage()
    const files = openFiles(storage.target)
    const body = toErrorDocument('SlowDown')
    storage.fail({ kind: 'answer', status: 503, body, headers: { 'retry-after': '7' } })
    expect(await files.store(files.messages(messageStatus()))).toMatchObject({ waitToldMs: 7_000 })
  })

  const faults: readonly StorageFault[] = [
    { kind: 'answer', status: 500, late: true },
    { kind: 'answer', status: 503, body: toErrorDocument('SlowDown') },
    { kind: 'cut' },
    { kind: 'cut', late: true },
  ]
  test.each(faults)(
    '[FI11] after %j a retry leaves each event there once, under the same name',
    async fault => {
      await using storage = await startStorage()
      const files = openFiles(storage.target)
      const messages = files.messages(messageStatus(), inboundMessage(), messageStatus())
      // One for each request that an attempt at two files may make: a cut connection is tried once more.
      storage.fail(fault, fault, fault, fault)
      let outcome = await files.store(messages)
      expect(outcome).toMatchObject({ kind: 'failed' })
      while (outcome.kind !== 'accepted') outcome = await files.store(messages)
      expect(new Set(storage.puts.map(({ path }) => path)).size).toBe(2)
      const lines = [...storage.stored.values()].flatMap(readPacked)
      expect(lines.map(({ id }) => id).sort()).toEqual(
        messages.map(({ content }) => JSON.parse(content.key)[1]).sort(),
      )
    },
  )

  test('[FI11] a connection that is cut once costs no attempt', async () => {
    await using storage = await startStorage()
    const files = openFiles(storage.target)
    storage.fail({ kind: 'cut', late: true })
    expect(await files.store(files.messages(messageStatus()))).toMatchObject({ kind: 'accepted' })
    expect([storage.puts.length, storage.stored.size]).toEqual([2, 1])
  })

  test('[FI5] of several files one that fails is the failure of the batch', async () => {
    await using storage = await startStorage()
    const files = openFiles(storage.target)
    const body = toErrorDocument('InternalError')
    storage.fail({ kind: 'answer', status: 500, body })
    const outcome = await files.store(files.messages(messageStatus(), inboundMessage()))
    expect(outcome).toMatchObject({ kind: 'failed', reason: 'bucket_failing' })
  })

  test('[FI13] storage that is silent is a failure in time, and a late answer counts for nothing', async () => {
    await using storage = await startStorage()
    const files = openFiles(storage.target, { timeoutMs: 50 })
    storage.fail({ kind: 'hang' })
    expect(await files.store(files.messages(messageStatus()))).toMatchObject({
      ...{ kind: 'failed', reason: 'bucket_timeout', answer: 'not stored within 50 ms' },
    })
    expect(storage.stored.size).toBe(0)
  })

  test('[FI10] storage that cannot be reached', async () => {
    const storage = await startStorage()
    await storage[Symbol.asyncDispose]()
    const files = openFiles(storage.target)
    const outcome = await files.store(files.messages(messageStatus()))
    expect(outcome).toMatchObject({ kind: 'failed', reason: 'bucket_unreachable', status: undefined })
    expect(JSON.stringify(outcome)).toContain('ECONNREFUSED')
  })

  test('[FI12] nothing secret is in an answer, also where the storage quotes the whole request', async () => {
    await using storage = await startStorage()
    const keys = { accessKeyId: 'AKIA0TEST0KEY', secretAccessKey: 'secret/of+the=tests' }
    const files = openFiles({ ...storage.target, ...keys })
    const [message] = files.messages(messageStatus())
    const quoting = `${keys.secretAccessKey} by ${keys.accessKeyId}`
    for (const body of [
      quoting,
      toErrorDocument('SignatureDoesNotMatch', `<AWSAccessKeyId>${keys.accessKeyId}</AWSAccessKeyId>`),
      toErrorDocument('X').replace('About X', quoting),
      `<Error><StringToSign>${quoting}</StringToSign></Error>`,
    ]) {
      storage.fail({ kind: 'answer', status: 403, body, headers: { server: quoting } })
      const said = JSON.stringify(await files.store(message ? [message] : []))
      expect(said).toContain('bucket_unauthorized')
      for (const secret of Object.values(keys)) expect(said).not.toContain(secret)
      expect(said).not.toContain('StringToSign')
    }
  })
})

test('[FI9] what is signed is the very bytes, the path and the time', async () => {
  const seen: { url: string; init: RequestInit }[] = []
  const target = { bucket: 'b', prefix: '', endpoint: 'https://storage.example/', region: 'r' }
  const send: typeof fetch = async (url, init = {}) => {
    seen.push({ url: String(url), init })
    return new Response('', { headers: { etag: '"1"' } })
  }
  const now = () => Date.UTC(2026, 0, 2)
  const files = openFiles({ ...target, accessKeyId: 'id', secretAccessKey: 'secret' }, { send, now })
  expect(await files.store(files.messages(messageStatus()))).toMatchObject({ kind: 'accepted' })
  const [{ url, init } = { url: '', init: {} }] = seen
  expect(url).toMatch(/^https:\/\/storage\.example\/b\/event_type%3Dcom\.twilio\./)
  expect(init).toMatchObject({ method: 'PUT', redirect: 'manual' })
  const headers = new Headers(init.headers)
  const digest = await crypto.subtle.digest('SHA-256', init.body as Uint8Array<ArrayBuffer>)
  expect(headers.get('x-amz-content-sha256')).toBe(Buffer.from(digest).toString('hex'))
  expect(headers.get('x-amz-date')).toBe('20260102T000000Z')
  expect(headers.get('authorization')).toMatch(
    /^AWS4-HMAC-SHA256 Credential=id\/20260102\/r\/s3\/aws4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature=[0-9a-f]{64}$/,
  )
})
