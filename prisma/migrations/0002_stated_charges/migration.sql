-- RedefineTables: a charge is its client's, with or without an update
CREATE TABLE "new_PrivacyCharge" (
    "federation" TEXT NOT NULL,
    "round" INTEGER NOT NULL,
    "client" TEXT NOT NULL,
    "noiseMultiplier" REAL NOT NULL,
    "samplingRate" REAL NOT NULL,
    "steps" INTEGER NOT NULL,

    PRIMARY KEY ("federation", "round", "client"),
    CONSTRAINT "PrivacyCharge_federation_client_fkey" FOREIGN KEY ("federation", "client") REFERENCES "Client" ("federation", "id") ON DELETE RESTRICT ON UPDATE CASCADE
);
INSERT INTO "new_PrivacyCharge" SELECT "federation", "round", "client", "noiseMultiplier", "samplingRate", "steps" FROM "PrivacyCharge";
DROP TABLE "PrivacyCharge";
ALTER TABLE "new_PrivacyCharge" RENAME TO "PrivacyCharge";

-- CreateIndex
CREATE INDEX "PrivacyCharge_federation_client_idx" ON "PrivacyCharge"("federation", "client");
