import { dataPlaneConformance } from './dataplane.suite.js';
import { memoryRigs } from './memory-rig.js';

dataPlaneConformance('in memory', memoryRigs);
