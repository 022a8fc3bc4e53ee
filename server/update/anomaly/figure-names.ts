// The figures that an admin's rule may name, one line of meaning each. A figure that a round does not measure is null:
// no declared noise, too small a cohort, no earlier round, a direction of norm 0.

export const figureNames = {
  maxAbsolute: 'largest |value| of the update',
  normL2: 'L2 norm of the update',
  noiseRatio: 'squared norm over that of the declared noise; null without declared noise',
  noiseDeficit: 'excess share of small values over the declared noise, 0 to 1; null without declared noise',
  normZ: 'robust z-score of the norm within the cohort; null in a cohort of fewer than 3',
  cosineToMedian:
    'cosine to the coordinate-wise median of all other updates, -1 to 1; null in a cohort of fewer than 3',
  cosineToMedianZ: 'robust z-score of that cosine within the cohort',
  cosineToPrevious: 'cosine to the last aggregate, -1 to 1; null in the first round',
  positiveShare: 'share of the values other than 0 that are above 0, 0 to 1',
  signZ: 'robust z-score of positiveShare within the cohort',
  nearDuplicates: 'number of other updates of the cohort with the same digest or a cosine above 0.999',
  pairRatio:
    'least squared distance to another update over that of two independent noises; null without declared noise',
  spectralZ: 'robust z-score of the squared share in the direction in which the cohort differs most',
  suspicion: 'suspicion of the client by its own history, before this round (client-history.ts)',
  n: 'number of updates in the cohort',
} as const;
