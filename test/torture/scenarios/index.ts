/** What can go wrong around the bridge: process, disk, clock, Segment, and all of it together. */
import type { Scenario } from '../scenario.ts'
import { chaos } from './chaos.ts'
import { killInCheckpoint } from './checkpoint.ts'
import * as damage from './damage.ts'
import * as disk from './disk.ts'
import * as kill from './kill.ts'
import { poisonAnyStatus } from './poison-any-status.ts'
import * as process from './process.ts'
import * as segment from './segment.ts'

/** In the order of the files, whatever their exports are called. */
export const faults: readonly Scenario[] = [
  ...[
    kill.killAnywhere,
    kill.killBeforeAnswer,
    kill.killBeforeSettle,
    kill.killAfterSettle,
    kill.killAfterSort,
  ],
  ...[kill.killInMigration, kill.killInPruning, killInCheckpoint],
  ...[disk.fullExt4, disk.fullTmpfs, disk.readOnly, disk.tornLog],
  ...[damage.damagedPages, damage.walDeleted, damage.lockDeleted, damage.damagedRows],
  ...[process.sigterm, process.stopped, process.second, process.noFiles, process.clockJumps],
  ...[segment.eachFault, segment.flapping, segment.away, segment.poison, poisonAnyStatus],
  chaos,
]
