/**
 * The shapes the API answers with, for the type checker alone: this file is empty when it runs.
 * @typedef {import('../reasons.ts').State} State
 * @typedef {import('../admin/status-schema.ts').Status} Status  What `GET /api/status` tells.
 *
 * @typedef {object} Summary  An event in a list. Times are ISO 8601.
 * @property {string} key
 * @property {string | null} id
 * @property {string | null} source
 * @property {string} type
 * @property {number} version
 * @property {State} state
 * @property {string | null} reason
 * @property {string | null} customer
 * @property {string} receivedAt
 * @property {string | null} [storedAt]
 * @property {string | null} [triedAt]
 * @property {string | null} settledAt
 * @property {number} [attempts]
 * @property {string} [unreadable]
 * @property {string | null} [occurredAt]
 *
 * @typedef {{ path: string, expected: string, received: string }} Fault
 * @typedef {{ to: string, from: string | null, note?: string }} Origin
 *
 * @typedef {object} Attempt
 * @property {string} at
 * @property {number} tookMs
 * @property {number} events
 * @property {string | null} reason
 * @property {number | null} status
 * @property {string} answer
 * @property {Record<string, string>} [headers]
 *
 * @typedef {object} DetailOnly
 * @property {string | null} [name]  Readable name of the type.
 * @property {number} [attemptCount]
 * @property {Attempt[]} attempts
 * @property {Fault[]} faults
 * @property {string | null} answer
 * @property {unknown} received
 * @property {unknown} mapped
 * @property {Origin[]} [origins]
 * @typedef {Omit<Summary, 'attempts'> & DetailOnly} Detail
 *
 * @typedef {object} EventsPage
 * @property {Summary[]} events
 * @property {string | null} next
 * @property {string | null} [reachedAt]
 * @property {string} [cursor]
 *
 * @typedef {import('../alerts/component.ts').Component} Component
 * @typedef {{ open: { reason: string, since: string, count: number }[], nextAt: string | null, lastAt: string | null }} ComponentStanding
 *
 * @typedef {object} StatsOnly
 * @property {number} received
 * @property {number} duplicates
 * @property {number} unsorted  Kept in a burst, and in none of the other figures yet.
 * @property {number} oldestPendingSeconds
 * @property {string[]} troubles
 * @property {{ failures: number, reason: string | null, nextAttemptAt: string | null }} delivery
 * @property {Record<Component, ComponentStanding>} [notices]
 * @typedef {Record<State, number> & StatsOnly} Stats
 *
 * @typedef {Pick<Summary, 'key' | 'state' | 'reason' | 'settledAt' | 'triedAt' | 'attempts'>} Change
 * @typedef {{ events: Summary[], missed: number, changes: Change[], stats: Stats }} Pulse
 *
 * @typedef {{ title: string, remedy: string, code?: number }} ReasonText
 *
 * @typedef {object} About
 * @property {string} name
 * @property {string} version
 * @property {'node' | 'workers'} host
 * @property {boolean} dryRun
 * @property {string} webhook
 * @property {boolean} unsigned
 * @property {number} retentionDays
 * @property {number} dedupeHours
 * @property {number | null} shards
 * @property {string} segmentHost
 * @property {string | null} sinkSid
 *
 * @typedef {{ route: string, key: string | null, query: URLSearchParams }} Place  Where the page is: `#/events/12-0?state=pending`.
 *
 * @typedef {object} View
 * @property {HTMLElement} element
 * @property {(place: Place) => void} show  Called on every change of the fragment while the view is on.
 * @property {() => void} hide  Timers and subscriptions end here; the element may be shown again.
 * @property {(event: KeyboardEvent) => void} [onKey]  Keys pressed outside of fields, while the view is on.
 * @property {readonly (readonly [keys: string, meaning: string])[]} [keys]  What `?` lists.
 *
 * @typedef {object} Page  What every view gets.
 * @property {import('./api.js').Api} api
 * @property {import('./stream.js').Stream} stream
 * @property {(hash: string) => void} go  `page.go('#/events/12-0')`
 * @property {() => Record<string, ReasonText>} reasons
 * @property {() => About | null} about
 * @property {(text: string) => void} tell  A short message at the foot of the page, read out by screen readers.
 */
export {}
