// FedAdam (Reddi et al. 2021, arXiv 2003.00295, algorithm 2): v = beta2 v + (1 - beta2) delta^2. adaptive.ts has the rest.

import { declare } from '../../shared/declare.ts';
import { adaptive, adaptiveOptions } from './adaptive.ts';

const adam = adaptive({
  name: 'adam',
  paper: 'FedAdam',
  secondMoment: (moment, square, beta2) => beta2 * moment + (1 - beta2) * square,
});

export const adamDeclared = declare({ name: 'adam', options: adaptiveOptions, make: adam });
