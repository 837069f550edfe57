import { demoId } from './demo-ids.ts';
import type { Category, GeoPoint } from './venue.model.ts';

/** A place where sessions of the demo venue take place. */
export interface Place {
  readonly name: string;
  readonly address: string;
  readonly city: string;
  readonly coordinates: GeoPoint['coordinates'];
}

export const HALL: Place = {
  name: 'Harbour Hall',
  address: '1 Quay Road',
  city: 'Colombo',
  coordinates: [79.8438, 6.9366],
};
export const PLAYHOUSE: Place = {
  name: 'Little Playhouse',
  address: '12 Lantern Street',
  city: 'Kandy',
  coordinates: [80.6337, 7.2906],
};
export const ARENA: Place = {
  name: 'Load Test Arena',
  address: '0 Loopback Way',
  city: 'Localhost',
  coordinates: [0, 0],
};

function category(name: string, parent?: Category): Category {
  return { id: demoId(`category ${name}`), name, parent };
}

const STAGE = category('On stage');
const LEARNING = category('Learning');
/** The categories of the demo venue's events; parents are first. */
export const CATEGORIES = {
  stage: STAGE,
  learning: LEARNING,
  music: category('Music', STAGE),
  theatre: category('Theatre', STAGE),
  talks: category('Talks', LEARNING),
  tests: category('Tests', LEARNING),
};
