/**
 * S3-compatible storage for a test: a server that checks signatures and stores, behind a proxy that makes its faults. The server
 * needs Node 24.
 */
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type ServerResponse, request as send } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { gunzipSync } from 'node:zlib'
import type { BucketTarget } from '../../src/send/files/bucket.ts'

/** `late`: the server stores the file all the same, before the fault. */
export type StorageFault = { readonly late?: boolean } & (
  | { readonly kind: 'cut' }
  | { readonly kind: 'hang' }
  | {
      readonly kind: 'answer'
      readonly status: number
      readonly body?: string
      readonly headers?: Record<string, string>
    }
)

export type Storage = AsyncDisposable & {
  readonly target: BucketTarget
  /** Each request that asked for a file to be stored, in order. */
  readonly puts: readonly { readonly path: string; readonly headers: Record<string, unknown> }[]
  /** What the server has confirmed, by its path; of each path the last. */
  readonly stored: ReadonlyMap<string, Buffer>
  /** The next requests meet these, one each. */
  fail(...faults: readonly StorageFault[]): void
  /** Until a request hangs. */
  hanging(): Promise<void>
}

/** The server's own, and no secret. */
const KEY = 'S3RVER'
const BUCKET = 'facts'

/** Why there is no storage here; `undefined`: there is. */
export function cannotStore(): string | undefined {
  const [major = 0] = process.versions.node.split('.').map(Number)
  return major >= 24 ? undefined : `the storage needs Node 24, this is ${process.versions.node}`
}

/** What an error document of S3 looks like. */
export const toErrorDocument = (code: string, more = '') =>
  `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>About ${code}</Message>${more}</Error>`

export async function startStorage(): Promise<Storage> {
  const { default: S3rver } = await import('@20minutes/s3rver')
  const directory = mkdtempSync(join(tmpdir(), 'storage-'))
  const server = new S3rver({
    ...{ address: '127.0.0.1', port: 0, silent: true, directory, vhostBuckets: false },
    configureBuckets: [{ name: BUCKET }],
  })
  const { port } = await server.run()
  const faults: StorageFault[] = []
  const puts: { path: string; headers: Record<string, unknown> }[] = []
  const stored = new Map<string, Buffer>()
  let hung = () => {}
  const hanging = new Promise<void>(resolve => {
    hung = resolve
  })

  function pass(method: string, path: string, headers: object, body: Buffer, done: (answer: Answer) => void) {
    const passed = send({ host: '127.0.0.1', port, method, path, headers: { ...headers } }, async answer => {
      const content = await buffer(answer)
      const { statusCode: status = 502 } = answer
      if (method === 'PUT' && status === 200) stored.set(decodeURIComponent(path), body)
      done({ status, headers: answer.headers, body: content })
    })
    passed.end(body)
  }

  const proxy = createServer(async (request, response) => {
    const { method = '', url = '', headers } = request
    const fault = faults.shift()
    puts.push({ path: decodeURIComponent(url), headers })
    const body = await buffer(request).catch(() => undefined)
    if (!body) return
    const answer = (own: Answer) => {
      if (fault) meet(fault, response)
      else response.writeHead(own.status, { ...own.headers }).end(own.body)
    }
    if (fault && !fault.late) meet(fault, response)
    else pass(method, url, headers, body, answer)
  })

  function meet(fault: StorageFault, response: ServerResponse): void {
    if (fault.kind === 'cut') response.destroy()
    else if (fault.kind === 'hang') hung()
    else response.writeHead(fault.status, fault.headers).end(fault.body)
  }

  proxy.listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  const { port: proxyPort } = proxy.address() as AddressInfo
  return {
    target: {
      ...{ bucket: BUCKET, prefix: 'twilio/a b', region: 'eu-central-1' },
      endpoint: `http://127.0.0.1:${proxyPort}`,
      accessKeyId: KEY,
      secretAccessKey: KEY,
    },
    puts,
    stored,
    fail: (...more) => void faults.push(...more),
    hanging: () => hanging,
    async [Symbol.asyncDispose]() {
      proxy.closeAllConnections()
      await new Promise(resolve => proxy.close(resolve))
      await server.close()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

type Answer = { readonly status: number; readonly headers: object; readonly body: Buffer }

export function readPacked(bytes: Uint8Array): { id: string; type: string }[] {
  return gunzipSync(bytes)
    .toString()
    .split('\n')
    .filter(Boolean)
    .map(line => JSON.parse(line))
}
