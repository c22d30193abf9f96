/** A webhook that answers as it is told, one answer after another, the last one for ever; it keeps what came. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

export type WebhookAnswer = number | 'cut' | 'hang'

export type WebhookStandIn = AsyncDisposable & {
  readonly origin: string
  readonly bodies: readonly string[]
  /** When each came, ms since 1970. */
  readonly arrivedAt: readonly number[]
}

export async function startWebhook(answers: readonly WebhookAnswer[]): Promise<WebhookStandIn> {
  const bodies: string[] = []
  const arrivedAt: number[] = []
  const server = createServer(async (request, response) => {
    const body = await text(request)
    const answer = answers[Math.min(bodies.length, answers.length - 1)]
    bodies.push(body)
    arrivedAt.push(Date.now())
    if (answer === 'hang') return
    if (answer === 'cut') return void request.socket.destroy()
    response.writeHead(answer ?? 200, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ error: 'told_so', message: 'As the test told', remedy: 'Nothing' }))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    bodies,
    arrivedAt,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  }
}
