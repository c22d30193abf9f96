/**
 * The stand-in as a process of its own, for harnesses that kill and starve their neighbours:
 * `node test/support/segment-main.ts --port 0` prints `{"url": …}` and listens to `/_/` (see segment-control.ts).
 */
import { parseArgs } from 'node:util'
import * as z from 'zod'
import { startSegment } from './segment.ts'

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '0' },
    host: { type: 'string', default: '127.0.0.1' },
    keep: { type: 'string', default: 'ids' },
    'accept-key': { type: 'string', multiple: true },
    /** End when stdin does: a parent that is killed cannot say goodbye. */
    'with-parent': { type: 'boolean', default: false },
  },
})
const { port, keep } = z.object({ port: z.coerce.number(), keep: z.enum(['all', 'ids']) }).parse(values)
const acceptKeys = values['accept-key']

const segment = await startSegment({ port, keep, host: values.host, ...(acceptKeys && { acceptKeys }) })
const stop = () => segment.close().then(() => process.exit(0))

process.on('SIGTERM', stop)
process.on('SIGINT', stop)
if (values['with-parent']) process.stdin.on('close', stop).resume()
console.log(JSON.stringify({ url: segment.url }))
