/** The shapes in which Twilio's API answers: an error, a page of a list. */
export class ApiError extends Error {
  readonly status: number
  readonly code: number

  constructor(status: number, code: number, message: string) {
    super(message)
    this.status = status
    this.code = code
  }

  toJson(): object {
    const { code, message, status } = this
    return { code, message, more_info: `https://www.twilio.com/docs/errors/${code}`, status }
  }
}

export type Page = Readonly<Record<string, unknown>> & { readonly meta: object }

/** The next page's address names the real host: a client that follows it must lead that one here too. */
export function toPage(
  key: string,
  all: readonly unknown[],
  query: URLSearchParams,
  path: string,
  defaultSize: number,
): Page {
  const size = Number(query.get('PageSize') ?? defaultSize)
  const page = Number(query.get('Page') ?? 0)
  const toUrl = (number: number) =>
    `https://events.twilio.com${path}?${new URLSearchParams({ ...Object.fromEntries(query), PageSize: `${size}`, Page: `${number}`, PageToken: `PT${number}` })}`
  const hasMore = (page + 1) * size < all.length
  return {
    [key]: all.slice(page * size, (page + 1) * size),
    meta: {
      key,
      page,
      page_size: size,
      url: toUrl(page),
      first_page_url: toUrl(0),
      previous_page_url: page > 0 ? toUrl(page - 1) : null,
      next_page_url: hasMore ? toUrl(page + 1) : null,
    },
  }
}
