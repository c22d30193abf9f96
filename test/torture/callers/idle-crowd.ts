/**
 * Thousands of idle connections, in a process of their own: one process may not have files enough for both ends. Half of them
 * never say a word, half ask /healthz once and stay. Says `open` when all are, and how many of each are left when asked.
 */
import { connect, type Socket } from 'node:net'
import { argv } from 'node:process'

const [, , origin = '', size = '0'] = argv
const { hostname, port } = new URL(origin)
const AT_ONCE = 200

const crowd: Socket[] = []
const left = { silent: 0, polite: 0 }

async function join(at: number): Promise<void> {
  const kind = at % 2 === 0 ? 'silent' : 'polite'
  const socket = connect({ host: hostname, port: Number(port) })
  crowd.push(socket)
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject)
    socket.once('connect', () => {
      left[kind]++
      socket.on('close', () => left[kind]--)
      if (kind === 'silent') return resolve()
      socket.once('data', () => resolve())
      socket.write(`GET /healthz HTTP/1.1\r\nHost: ${hostname}:${port}\r\n\r\n`)
    })
  })
  socket.on('error', () => undefined)
  socket.resume()
}

process.on('message', () => process.send?.(left))
for (let at = 0; at < Number(size); at += AT_ONCE) {
  await Promise.all(
    Array.from({ length: Math.min(AT_ONCE, Number(size) - at) }, (_, more) => join(at + more)),
  )
}
process.send?.('open')
process.once('disconnect', () => process.exit())
