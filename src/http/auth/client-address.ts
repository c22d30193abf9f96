/**
 * Whose login attempt this is. Behind a trusted proxy it is the last address in X-Forwarded-For: the proxy wrote that one,
 * the ones before it are whatever the client claimed. Pure.
 */
const CHARACTERS = 64

export function toClient(
  peer: string | undefined,
  forwardedFor: string | undefined,
  trustProxy: boolean,
): string {
  const forwarded = trustProxy ? forwardedFor?.split(',').at(-1)?.trim() : undefined
  return toNetwork(forwarded || peer || '')
}

/** One person has an IPv4 address, or a whole IPv6 network of 64 bits. */
export function toNetwork(address: string): string {
  const bare = withoutPort(address.trim().toLowerCase()).replace(/%.*$/, '')
  const [, mapped] = /^(?:0{0,4}:){1,5}(?:0{1,4}:)*ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(bare) ?? []
  if (mapped !== undefined) return mapped
  if (!/^[0-9a-f:]*:[0-9a-f:.]*$/.test(bare)) return bare.slice(0, CHARACTERS)
  const [head = '', tail] = bare.split('::')
  const first = head === '' ? [] : head.split(':')
  const last = tail ? tail.split(':') : []
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - first.length - last.length)
  const groups = [...first, ...Array<string>(zeros).fill('0'), ...last].slice(0, 4)
  return `${groups.map(group => group.replace(/^0+(?=.)/, '')).join(':')}::/64`.slice(0, CHARACTERS)
}

function withoutPort(address: string): string {
  const [, bracketed] = /^\[([^\]]*)\](?::\d+)?$/.exec(address) ?? []
  return bracketed ?? address.replace(/^(\d+\.\d+\.\d+\.\d+):\d+$/, '$1')
}
