/** Node's fetch takes no proxy from the environment unless it is told to: whoever reads that nothing is reached should read that, too. */

type Environment = Readonly<Record<string, string | undefined>>

/** Empty: there is no proxy that is left unused. */
export function toProxyHint(environment: Environment): string {
  const name = ['HTTPS_PROXY', 'https_proxy'].find(name => environment[name])
  if (name === undefined || environment.NODE_USE_ENV_PROXY === '1') return ''
  return `${name} is set, but not used: set NODE_USE_ENV_PROXY=1 as well, for the bridge too, to go through that proxy.`
}

/** `send`, whose errors say so. */
export function withProxyHint(send: typeof fetch, environment: Environment): typeof fetch {
  const hint = toProxyHint(environment)
  if (hint === '') return send
  return async (url, init) => {
    try {
      return await send(url, init)
    } catch (error) {
      const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
      const told = new Error(`${cause instanceof Error ? cause.message : String(cause)}. ${hint}`)
      throw cause instanceof Error && 'code' in cause ? Object.assign(told, { code: cause.code }) : told
    }
  }
}
