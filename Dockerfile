# The coordinator, from this repository: docker compose up --build
FROM node:24-slim AS build
WORKDIR /muster
COPY package.json package-lock.json ./
COPY prisma prisma
RUN npm ci
COPY . .
RUN npm run build

FROM node:24-slim
WORKDIR /muster
ENV NODE_ENV=production
COPY --from=build --chown=node:node /muster /muster
RUN mkdir /data && chown node:node /data
USER node
VOLUME /data
EXPOSE 7400
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
  CMD ["node", "-e", "fetch('http://localhost:7400/health').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
CMD ["npm", "start", "--", "--dir", "/data", "--port", "7400", "--host", "0.0.0.0", "--public-url", "http://localhost:7400"]
