// FedYogi (Reddi et al. 2021, arXiv 2003.00295, algorithm 2): v = v - (1 - beta2) delta^2 sign(v - delta^2), so that v moves
// by no more than the newest square says, however large it was. adaptive.ts has the rest.

import { declare } from '../../shared/declare.ts';
import { adaptive, adaptiveOptions } from './adaptive.ts';

const yogi = adaptive({
  name: 'yogi',
  paper: 'FedYogi',
  secondMoment: (moment, square, beta2) => moment - (1 - beta2) * square * Math.sign(moment - square),
});

export const yogiDeclared = declare({ name: 'yogi', options: adaptiveOptions, make: yogi });
