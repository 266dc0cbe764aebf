/**
 * Slots booked twice: appointments of all patients this person may read, from yesterday on, that take the time of the same practitioner, place or
 * device at once. They come as records, from an import or another workstation, so two of them can meet that nobody saw together.
 */
import type { RecordExtract } from '../../../src-shared/view-types.ts';
import type { AccountIndexPort, RecordRow } from '../ports.ts';

export interface BookedAppointment extends RecordRow {
  /** ISO instant. */
  readonly end: string;
}

export interface DoubleBooking {
  /** Whose time it is, as the appointments name it. */
  readonly actor: string;
  readonly a: BookedAppointment;
  readonly b: BookedAppointment;
}

/** FHIR R4 AppointmentStatus: these take a slot. */
const takesSlot = new Set(['booked', 'pending', 'arrived', 'checked-in']);
const dayMs = 24 * 3600 * 1000;
/** Appointments that are compared, the soonest first. */
const compared = 2000;
const listed = 50;

/** Those that overlap; of the same patient too. An appointment without an end, or without anybody whose time it takes, overlaps nothing. */
export function doubleBookings(index: Pick<AccountIndexPort, 'appointments'>, now: number): DoubleBooking[] {
  const byActor = new Map<string, BookedAppointment[]>();
  for (const row of index.appointments(new Date(now - dayMs).toISOString(), compared)) {
    const { end = '', actors = [] } = JSON.parse(row.extract) as RecordExtract;
    if (!takesSlot.has(row.status) || !row.date.includes('T') || end <= row.date) continue;
    for (const actor of new Set(actors)) byActor.set(actor, [...(byActor.get(actor) ?? []), { ...row, end }]);
  }
  const found: DoubleBooking[] = [];
  const known = new Set<string>();
  for (const [actor, booked] of byActor) {
    booked.forEach((a, at) => {
      for (const b of booked.slice(at + 1)) {
        // In the order of their beginnings: nothing later overlaps either.
        if (b.date >= a.end) break;
        const pair = `${a.patient}/${a.recordId}/${b.patient}/${b.recordId}`;
        const sameRecord = a.patient === b.patient && a.recordId === b.recordId;
        if (sameRecord || known.has(pair)) continue;
        known.add(pair);
        found.push({ actor, a, b });
      }
    });
  }
  return found.slice(0, listed);
}
