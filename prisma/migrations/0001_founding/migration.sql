-- CreateTable
CREATE TABLE "Federation" (
    "federation" TEXT NOT NULL PRIMARY KEY,
    "config" TEXT NOT NULL,
    "foundedAt" DATETIME NOT NULL
);

-- CreateTable
CREATE TABLE "Invite" (
    "federation" TEXT NOT NULL,
    "secretDigest" TEXT NOT NULL,
    "organisation" TEXT NOT NULL,
    "quota" INTEGER NOT NULL,
    "used" INTEGER NOT NULL,
    "expiresAt" DATETIME NOT NULL,
    "revoked" BOOLEAN NOT NULL,
    "replaces" TEXT,

    PRIMARY KEY ("federation", "secretDigest"),
    CONSTRAINT "Invite_federation_fkey" FOREIGN KEY ("federation") REFERENCES "Federation" ("federation") ON DELETE RESTRICT ON UPDATE CASCADE
);

-- CreateTable
CREATE TABLE "Client" (
    "federation" TEXT NOT NULL,
    "id" TEXT NOT NULL,
    "organisation" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "publicKey" TEXT NOT NULL,
    "enrolledAt" DATETIME NOT NULL,
    "status" TEXT NOT NULL,
    "reason" TEXT,
    "predecessor" TEXT,
    "looksLike" TEXT,
    "suspicion" REAL NOT NULL,
    "judged" INTEGER NOT NULL,

    PRIMARY KEY ("federation", "id"),
    CONSTRAINT "Client_federation_fkey" FOREIGN KEY ("federation") REFERENCES "Federation" ("federation") ON DELETE RESTRICT ON UPDATE CASCADE
);

-- CreateTable
CREATE TABLE "Round" (
    "federation" TEXT NOT NULL,
    "number" INTEGER NOT NULL,
    "state" TEXT NOT NULL,
    "offer" TEXT NOT NULL,
    "record" TEXT,

    PRIMARY KEY ("federation", "number"),
    CONSTRAINT "Round_federation_fkey" FOREIGN KEY ("federation") REFERENCES "Federation" ("federation") ON DELETE RESTRICT ON UPDATE CASCADE
);

-- CreateTable
CREATE TABLE "RoundSeed" (
    "federation" TEXT NOT NULL,
    "round" INTEGER NOT NULL,
    "seed" TEXT NOT NULL,
    "commitment" TEXT NOT NULL,

    PRIMARY KEY ("federation", "round"),
    CONSTRAINT "RoundSeed_federation_fkey" FOREIGN KEY ("federation") REFERENCES "Federation" ("federation") ON DELETE RESTRICT ON UPDATE CASCADE
);

-- CreateTable
CREATE TABLE "Update" (
    "federation" TEXT NOT NULL,
    "round" INTEGER NOT NULL,
    "client" TEXT NOT NULL,
    "digest" TEXT NOT NULL,
    "envelope" TEXT NOT NULL,
    "signature" TEXT NOT NULL,
    "state" TEXT NOT NULL,
    "refusal" TEXT,
    "figures" TEXT,
    "stagedAt" DATETIME,

    PRIMARY KEY ("federation", "round", "client"),
    CONSTRAINT "Update_federation_round_fkey" FOREIGN KEY ("federation", "round") REFERENCES "Round" ("federation", "number") ON DELETE RESTRICT ON UPDATE CASCADE,
    CONSTRAINT "Update_federation_client_fkey" FOREIGN KEY ("federation", "client") REFERENCES "Client" ("federation", "id") ON DELETE RESTRICT ON UPDATE CASCADE
);

-- CreateTable
CREATE TABLE "PrivacyCharge" (
    "federation" TEXT NOT NULL,
    "round" INTEGER NOT NULL,
    "client" TEXT NOT NULL,
    "noiseMultiplier" REAL NOT NULL,
    "samplingRate" REAL NOT NULL,
    "steps" INTEGER NOT NULL,

    PRIMARY KEY ("federation", "round", "client"),
    CONSTRAINT "PrivacyCharge_federation_round_client_fkey" FOREIGN KEY ("federation", "round", "client") REFERENCES "Update" ("federation", "round", "client") ON DELETE RESTRICT ON UPDATE CASCADE
);

-- CreateTable
CREATE TABLE "ModelVersion" (
    "federation" TEXT NOT NULL,
    "round" INTEGER NOT NULL,
    "digest" TEXT NOT NULL,
    "parent" TEXT,
    "byteLength" BIGINT NOT NULL,
    "optimiserState" TEXT,

    PRIMARY KEY ("federation", "round"),
    CONSTRAINT "ModelVersion_federation_fkey" FOREIGN KEY ("federation") REFERENCES "Federation" ("federation") ON DELETE RESTRICT ON UPDATE CASCADE
);

-- CreateTable
CREATE TABLE "LedgerEntry" (
    "federation" TEXT NOT NULL,
    "sequence" INTEGER NOT NULL,
    "at" DATETIME NOT NULL,
    "type" TEXT NOT NULL,
    "round" INTEGER,
    "client" TEXT,
    "row" TEXT NOT NULL,
    "hash" TEXT NOT NULL,

    PRIMARY KEY ("federation", "sequence"),
    CONSTRAINT "LedgerEntry_federation_fkey" FOREIGN KEY ("federation") REFERENCES "Federation" ("federation") ON DELETE RESTRICT ON UPDATE CASCADE
);

-- CreateTable
CREATE TABLE "LedgerCheckpoint" (
    "federation" TEXT NOT NULL,
    "size" INTEGER NOT NULL,
    "root" TEXT NOT NULL,
    "note" TEXT NOT NULL,

    PRIMARY KEY ("federation", "size"),
    CONSTRAINT "LedgerCheckpoint_federation_fkey" FOREIGN KEY ("federation") REFERENCES "Federation" ("federation") ON DELETE RESTRICT ON UPDATE CASCADE
);

-- CreateIndex
CREATE INDEX "ModelVersion_federation_digest_round_idx" ON "ModelVersion"("federation", "digest", "round");

-- CreateIndex
CREATE INDEX "LedgerEntry_federation_round_idx" ON "LedgerEntry"("federation", "round");

-- CreateIndex
CREATE INDEX "LedgerEntry_federation_client_idx" ON "LedgerEntry"("federation", "client");

-- CreateIndex
CREATE INDEX "LedgerEntry_federation_type_sequence_idx" ON "LedgerEntry"("federation", "type", "sequence");

-- CreateIndex
CREATE INDEX "LedgerEntry_federation_type_round_sequence_idx" ON "LedgerEntry"("federation", "type", "round", "sequence");

