/** The files of the debugger page, from the assets that were uploaded with the Worker. */
import type { Page } from '../../runtime.ts'

/** Only the path counts: nothing is asked of this host. */
const BASE = 'http://assets/'

export function createAssetPage(assets: Fetcher): Page {
  return async name => {
    const response = await assets.fetch(new URL(name, BASE))
    const [type, etag] = [response.headers.get('content-type'), response.headers.get('etag')]
    const body = new Uint8Array(await response.arrayBuffer())
    return response.ok && type !== null && etag !== null ? { type, etag, body } : undefined
  }
}
