// The federation file that `muster init` writes and that `muster start` falls back on: every key with its unit, its
// default and what it is for.

export const federationTemplate = `# A Muster federation: one model, trained by one population of clients.
# All clients are told the model's tensors, the training and the privacy terms when they join. The file is fixed when the
# federation is founded, at the first start on a new data folder; only rounds and epsilonBudget may be changed later.

federation: digits            # a-z, 0-9 and "-"; part of every message, path and record
rounds: 15                    # how many rounds to run in all

cohort:
  minimum: 7                  # no round starts with fewer clients
  size: 20                    # a round is offered to at most so many, drawn at random
  # quorum: 7                 # a round with fewer updates is abandoned; at least what the rule needs for f
  dropOutShare: 0             # share of the cohort that may stay silent: the rest must still carry f
  maxPerOrganisation: null    # clients of one organisation in a cohort at most; null: no cap
  selectionTimeoutMs: 3000    # with the minimum there, wait so long for more
  deadlineMs: 60000           # a round closes so long after its offer, with the updates it has

rule:
  name: multi-krum            # mean tolerates no liar; all rules and their options: server/aggregation/README.md
  f: 0.2                      # liars tolerated: a number, or a share of the clients offered the round, rounded up
  # dishonestOrganisations: 1 # in the place of f, with a cap above: so many organisations may collude
  # m: 5                      # updates that multi-krum averages: n - f - 2 unless given
  # options: {}               # the rule's own
  # pre: [{ name: nnm }]      # in front of the rule, from the first to the last: clip, clip-to-median, arc, nnm, bucketing

optimiser:
  name: plain                 # what the model makes of the aggregate: plain, momentum, adam or yogi
  learningRate: 1

bounds:
  maxAbsoluteValue: 10        # no value of an update may be larger
  maxNormL2: null             # null: what follows from the terms below

admission:
  approval: false             # true: whoever enrols waits for \`muster approve\`
  lookAlikeNames: hold        # a name like another client's: hold for approval, or refuse

anomaly:                      # what the figures of an update mean: muster round N --json, server/update/anomaly/README.md
  rules: []                   # your own, such as { name: loud, when: "normZ > 6 or cosineToMedian < -0.2", action: flag }
                              # action: flag, or quarantine, which leaves the update out of the round
  banSuspects: false          # true: ban whom its own history speaks against; colluders who steer flags steer this too
  history: { alarmRateHonest: 0.05, alarmRateLiar: 0.3, falseBanRate: 1.0e-3 }

retention:
  updateRounds: 1             # rounds for which single updates are kept; needed to recompute a round's model

model:                        # float32 tensors; in TensorFlow.js terms <layer>/<weight>
  seed: 1                     # of the first weights
  tensors:
    - { name: digits/kernel, shape: [784, 10], initial: glorot-uniform }
    - { name: digits/bias, shape: [10], initial: zeros }

training:                     # DP-SGD, the same for every client; nothing here may depend on one client's data
  learningRate: 2
  stepsPerRound: 10
  samplingRate: 0.1           # every example enters a step's batch with this probability
  expectedBatchSize: 40       # public denominator of a step: sampling rate x the examples a client is expected to have
  clippingNormL2: 1           # each example's gradient is clipped to it
  # optimiser: { name: momentum, beta: 0.9 }   # of each client, anew in every round: sgd (default), momentum; adam without privacy
  # proximalTerm: 0.01        # FedProx's mu: draws each step back to the base model
  # learningRateSchedule: "0.9 ^ step"         # multiplies the rate: an expression of step (from 0), steps, round (from 1)

privacy:
  mode: local                 # clients add noise before anything leaves them; or: central (below), none
  epsilonBudget: 8            # of each client, over all rounds
  delta: 1.0e-4               # below 1 / number of examples of a client
  # noiseMultiplier: 1.03     # calibrated to the budget and the rounds unless given

# The coordinator adds the noise, and sees every update: for clients that trust it (server/README.md, "Central privacy").
# Protects each client as a whole. Takes rule: { name: mean }, or one step of centered-clipping with tau as below.
# privacy:
#   mode: central
#   clippingNormL2: 1         # each client's whole update is clipped to it
#   plannedClients: 20        # public denominator, however many come; the cohort's size unless given
#   epsilonBudget: 8          # of every client, over all rounds
#   delta: 1.0e-5             # below 1 / number of clients
#   adaptiveClipping: null    # or follow a quantile of the norms, at a share of the budget:
#                             # { quantile: 0.5, learningRate: 0.2, countNoiseStdDev: 5 }   # that: plannedClients / 20 unless given
`;
