// The options that optimisers share, with the bounds within which every one of them is defined.

import { z } from 'zod';

export const learningRateSchema = z.number().positive();
/** Share of the past that is kept at each step. */
export const decaySchema = z.number().nonnegative().lt(1);
