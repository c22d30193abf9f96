/** The promises of a store, on one without SQL: see support/memory-store.ts. */
import { openMemory } from '../support/memory-store.ts'
import { registerStoreContract } from '../support/outbox-contract.ts'

registerStoreContract('maps and lists', openMemory)
