/**
 * Whether a 2xx means what it says. A log-in page, a proxy or a multi-status answer may come with status 200 although nothing
 * was accepted. Strict only about what says otherwise: an empty body, or any other one, is an acceptance. Pure.
 */

/** `body`: at least the beginning of it. */
export function deniesSuccess(status: number, contentType: string | null, body: string): boolean {
  if (status === 207) return true
  // Without a tag it is no page: some frameworks call any text, `OK` too, text/html.
  if (/^\s*(?:text\/html|application\/xhtml\+xml)\b/i.test(contentType ?? '') && /<[a-z!]/i.test(body))
    return true
  return /^\s*<(?:!doctype|html|head|body)\b/i.test(body) || saysNo(body)
}

function saysNo(body: string): boolean {
  let parsed: unknown
  try {
    parsed = JSON.parse(body)
  } catch {
    // Cut off, or no JSON: what is there may still say it.
    return /^\s*\{\s*"(?:success|ok)"\s*:\s*false\b/.test(body)
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) return false
  const { success, ok, errors } = Object.fromEntries(Object.entries(parsed))
  return success === false || ok === false || (Array.isArray(errors) && errors.length > 0)
}
