/**
 * What to show: state, type and reason stand in the fragment and can be shared; the search text never does, for it may be a
 * phone number.
 * @import { Api } from '../../api.js'
 * @import { Asked } from './event-list-model.js'
 * @import { LiveStats as Stats } from '../../../admin/changes.ts'
 * @import { State } from '../../../reasons.ts'
 */
import { h, replaceChildren, setText } from '../../dom.js'
import { compact, familyOf, shortType } from '../../format.js'
import { icon } from '../../parts.js'

/** @type {readonly State[]} */
const states = ['pending', 'accepted', 'rejected', 'refused', 'skipped']
const SEARCH_AFTER_MS = 350
const CHOICES_KEPT_MS = 15_000

/**
 * @param {Api} api
 * @param {{ onFilter: (filter: Omit<Asked, 'q'>) => void, onSearch: (q: string) => void }} on
 */
export function createFilters(api, { onFilter, onSearch }) {
  /** @type {Omit<Asked, 'q'>} */
  let filter = { state: '', type: '', reason: '' }
  let readAt = 0
  let typing = 0

  const search = h('input', {
    class: 'field search-field',
    type: 'search',
    'aria-label': 'Search by id, message SID, phone number or text',
    placeholder: 'Search id, SID, phone, text',
    maxlength: 200,
    autocomplete: 'off',
    spellcheck: 'false',
    on: { input: onTyped, keydown: onSearchKey },
  })
  const counts = new Map(
    ['', ...states].map(state => [state, h('span', { class: 'count tabular', 'aria-hidden': 'true' })]),
  )
  const tabs = ['', ...states].map(state =>
    h(
      'button',
      { type: 'button', 'data-state': state, on: { click: () => onFilter({ ...filter, state }) } },
      state === '' ? 'All' : state[0]?.toUpperCase() + state.slice(1),
      counts.get(state),
    ),
  )
  const type = choice('Type', value => onFilter({ ...filter, type: value }))
  const reason = choice('Reason', value => onFilter({ ...filter, reason: value }))

  function onTyped() {
    clearTimeout(typing)
    typing = setTimeout(() => onSearch(search.value.trim()), SEARCH_AFTER_MS)
  }

  /** @param {KeyboardEvent} event */
  function onSearchKey(event) {
    if (event.key === 'Enter') {
      clearTimeout(typing)
      onSearch(search.value.trim())
    }
    if (event.key !== 'Escape') return
    event.stopPropagation()
    if (search.value === '') return search.blur()
    search.value = ''
    clearTimeout(typing)
    onSearch('')
  }

  /**
   * @param {string} name
   * @param {(value: string) => void} onChoose
   */
  function choice(name, onChoose) {
    return h('select', {
      class: 'select',
      'aria-label': name,
      on: {
        change: (/** @type {any} */ { target }) => onChoose(target.value),
        focus: refresh,
        pointerenter: refresh,
      },
    })
  }

  /** The figures know every type and reason there ever was. */
  async function refresh() {
    if (Date.now() - readAt < CHOICES_KEPT_MS) return
    readAt = Date.now()
    try {
      /** @type {{ counts: { type: string, reason: string }[] }} */
      const { counts: known } = await api.get('/stats')
      fillChoices(
        known.map(one => one.type),
        known.map(one => one.reason),
      )
    } catch {
      // The choices are a convenience: the list itself says when the bridge is away.
    }
  }

  /**
   * @param {string[]} types
   * @param {string[]} reasons
   */
  function fillChoices(types, reasons) {
    fillChoice(type, 'Any type', [...types, ...toFamilies(types)], filter.type, shortType)
    fillChoice(reason, 'Any reason', reasons, filter.reason, shortType)
  }

  return {
    element: h(
      'search',
      { class: 'filters', 'aria-label': 'Filter events' },
      h('div', { class: 'search' }, icon('search'), search, h('kbd', { 'aria-hidden': 'true' }, '/')),
      h('div', { class: 'states segmented', role: 'group', 'aria-label': 'State' }, tabs),
      h('div', { class: 'choices' }, type, reason),
    ),
    focusSearch() {
      search.focus()
      search.select()
    },
    clearSearch() {
      search.value = ''
    },
    /** @param {Omit<Asked, 'q'>} now */
    setFilter(now) {
      filter = now
      for (const tab of tabs) tab.setAttribute('aria-pressed', String(tab.dataset.state === now.state))
      fillChoices(valuesOf(type), valuesOf(reason))
      void refresh()
    },
    /** @param {Stats} stats */
    setStats(stats) {
      for (const [state, count] of counts) {
        const n = state === '' ? stats.received : stats[/** @type {State} */ (state)]
        setText(count, n > 0 || state === '' ? compact(n) : '')
      }
    },
  }
}

/**
 * Those of which there are several types.
 * @param {string[]} types
 */
function toFamilies(types) {
  const families = [...new Set(types)].flatMap(type => (type.endsWith('*') ? [] : (familyOf(type) ?? [])))
  return families.filter((family, index) => families.indexOf(family) !== index)
}

/** @param {HTMLSelectElement} select */
function valuesOf(select) {
  return [...select.options].map(option => option.value)
}

/**
 * @param {HTMLSelectElement} select
 * @param {string} any
 * @param {string[]} values
 * @param {string} chosen
 * @param {(value: string) => string} toName
 */
function fillChoice(select, any, values, chosen, toName) {
  const all = [...new Set([...values, chosen])].filter(value => value !== '').sort()
  const same =
    all.length === select.options.length - 1 && valuesOf(select).every(v => v === '' || all.includes(v))
  if (!same || select.options.length === 0) {
    replaceChildren(
      select,
      h('option', { value: '' }, any),
      all.slice(0, 300).map(value => h('option', { value }, toName(value))),
    )
  }
  select.value = chosen
}
