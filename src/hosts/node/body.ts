/** Reads a body straight from Node's request: through a stream of the web it would cost twice as much. */
import type { IncomingMessage } from 'node:http'
import type { Body } from '../../ingest/receive.ts'

/** Reads no further than the limit. */
export function readBody(incoming: IncomingMessage, limit: number): Promise<Body> {
  return new Promise(resolve => {
    const pieces: Buffer[] = []
    let length = 0

    function add(piece: Buffer): void {
      length += piece.length
      if (length > limit) settle('body_too_large')
      else pieces.push(piece)
    }

    function settle(body: Body): void {
      // The rest flows on to nobody.
      incoming.off('data', add)
      resolve(body)
    }

    incoming.on('data', add)
    incoming.once('end', () => {
      const [only] = pieces
      settle(only && pieces.length === 1 ? only : Buffer.concat(pieces, length))
    })
    for (const event of ['close', 'error']) incoming.once(event, () => settle('body_cut_off'))
    if (incoming.destroyed) settle('body_cut_off')
  })
}
