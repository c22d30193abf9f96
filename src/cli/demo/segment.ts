/** The demo's fake Segment, on loopback: accepts batches as Segment's Tracking API does, and remembers the track calls. */
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import * as z from 'zod'

const Track = z.looseObject({
  messageId: z.string(),
  event: z.string(),
  timestamp: z.string(),
  properties: z.record(z.string(), z.unknown()),
  context: z.looseObject({
    externalIds: z.array(z.looseObject({ type: z.string(), id: z.string() })).optional(),
  }),
})
const Batch = z.object({ batch: z.array(Track) })

export type Track = z.infer<typeof Track>

export type FakeSegment = {
  readonly url: string
  /** By messageId. */
  readonly tracks: ReadonlyMap<string, Track>
  close(): void
}

export async function startFakeSegment(): Promise<FakeSegment> {
  const tracks = new Map<string, Track>()
  const server = createServer(async (request, response) => {
    const body = await readBody(request)
    const read = request.url === '/v1/batch' ? Batch.safeParse(body) : undefined
    for (const track of read?.data?.batch ?? []) tracks.set(track.messageId, track)
    response.writeHead(read?.success ? 200 : 400, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ success: read?.success === true }))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : undefined
  return {
    url: `http://127.0.0.1:${port}`,
    tracks,
    close() {
      server.close()
      server.closeAllConnections()
    },
  }
}

async function readBody(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  try {
    return JSON.parse(Buffer.concat(chunks).toString())
  } catch {
    return undefined
  }
}
