/** One kept connection: bytes out, a status back, nothing else. Much cheaper than any HTTP client, so never the bottleneck. */
import { connect } from 'node:net'

export type Connection = {
  /** A server ends connections that were idle for long, and one that fails ends all of them. */
  readonly isOpen: boolean
  /** `status` is 0 when the connection ended without an answer. */
  send(request: Buffer, answered: (status: number) => void): void
  close(): void
}

/** Answers are small and come whole; one in pieces is put together. */
export function openConnection(port: number): Connection {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  let waiting: ((status: number) => void) | undefined
  let received = ''
  let isOpen = true

  function answer(status: number): void {
    const answered = waiting
    waiting = undefined
    received = ''
    answered?.(status)
  }
  socket.on('data', chunk => {
    received += chunk.toString('latin1')
    if (isWhole(received)) answer(Number(received.slice(9, 12)))
  })
  const ended = (): void => {
    isOpen = false
    answer(0)
  }
  socket.on('end', ended)
  socket.on('error', ended)
  socket.on('close', ended)
  return {
    get isOpen() {
      return isOpen
    },
    send(request, answered) {
      waiting = answered
      socket.write(request)
    },
    close: () => socket.destroy(),
  }
}

function isWhole(text: string): boolean {
  const head = text.indexOf('\r\n\r\n')
  if (head < 0) return false
  const length = /\r\ncontent-length: *(\d+)/i.exec(text)?.[1]
  if (length !== undefined) return text.length >= head + 4 + Number(length)
  return text.endsWith('\r\n0\r\n\r\n')
}
