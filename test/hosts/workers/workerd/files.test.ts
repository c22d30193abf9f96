/** Files in a bucket from inside workerd: packed, hashed and signed by what that runtime has. */
// @module-tag long
import { expect, test } from 'vitest'
import { createFiles, FOLDER_REFUSED } from '../../../../src/send/files/files.ts'

const target = { bucket: 'b', prefix: 'twilio', endpoint: 'https://storage.example', region: 'r' }
const keys = { accessKeyId: 'id', secretAccessKey: 'secret' }
const event = (id: string) => ({ specversion: '1.0', type: 't', source: 's', id, data: {} })

test('[FI9] a file is packed, hashed and signed in workerd as well', async () => {
  const requests: Request[] = []
  const send: typeof fetch = async (url, init) => {
    requests.push(new Request(url, init))
    return new Response('', { headers: { etag: '"1"' } })
  }
  const now = () => Date.UTC(2026, 0, 2)
  const options = { name: 'facts', target: { ...target, ...keys }, everySeconds: 300 }
  const files = createFiles(options, { send, now })
  const batch = ['1', '2'].map(id => {
    const mapped = files.map({ element: event(id), receivedAt: now() })
    if (!mapped.ok) throw new Error(mapped.reason)
    return mapped.message
  })
  expect(await files.deliver(batch, new AbortController().signal)).toMatchObject({ kind: 'accepted' })
  const [request, ...more] = requests
  expect([request?.method, more]).toEqual(['PUT', []])
  expect(request?.url).toMatch(
    /^https:\/\/storage\.example\/b\/twilio\/event_type%3Dt\/received_date%3D2026-01-02\/received_hour%3D00\/20260102T000000Z-[0-9a-f]{32}\.ndjson\.gz$/,
  )
  expect(request?.headers.get('authorization')).toMatch(
    /Credential=id\/20260102\/r\/s3\/aws4_request.*Signature=[0-9a-f]{64}$/,
  )
  const bytes = (await request?.arrayBuffer()) ?? new ArrayBuffer(0)
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))
  const hex = [...digest].map(byte => byte.toString(16).padStart(2, '0')).join('')
  expect(request?.headers.get('x-amz-content-sha256')).toBe(hex)
  const unpacked = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'))
  expect(await new Response(unpacked).text()).toBe(
    ['1', '2'].map(id => `${JSON.stringify(event(id))}\n`).join(''),
  )
})

test('[FI14] a folder is refused there', () => {
  const options = { name: 'facts', target: { folder: '/facts' }, everySeconds: 300 }
  expect(() => createFiles(options, { send: fetch, now: Date.now })).toThrow(FOLDER_REFUSED)
})
