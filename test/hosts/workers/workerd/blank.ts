/** A Durable Object with nothing in it: each rule of the outbox brings its own tables. */
import { DurableObject } from 'cloudflare:workers'

export class Blank extends DurableObject {}

export default { fetch: () => new Response('for tests') }
