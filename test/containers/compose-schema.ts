/**
 * The part of the Compose Specification (github.com/compose-spec/compose-spec, schema/compose-spec.json) that
 * the compose files use, with its types and enums. It is stricter than the whole: a key that is not listed here is
 * an error, so that a misspelt one is found, and whoever uses a new one adds it here from the specification.
 */
const NAME = '^[a-zA-Z0-9._-]+$';
const DURATION = '^(\\d+(us|ms|s|m|h))+$';

const strings = { type: 'array', items: { type: 'string' } };
const stringOrList = { oneOf: [{ type: 'string' }, strings] };
const listOrDict = {
  oneOf: [
    {
      type: 'object',
      patternProperties: { '.+': { type: ['string', 'number', 'boolean', 'null'] } },
      additionalProperties: false,
    },
    { ...strings, uniqueItems: true },
  ],
};

const build = {
  oneOf: [
    { type: 'string' },
    {
      type: 'object',
      properties: {
        context: { type: 'string' },
        dockerfile: { type: 'string' },
        args: listOrDict,
        target: { type: 'string' },
      },
      additionalProperties: false,
    },
  ],
};

const dependsOn = {
  oneOf: [
    { ...strings, uniqueItems: true },
    {
      type: 'object',
      patternProperties: {
        [NAME]: {
          type: 'object',
          properties: {
            restart: { type: ['boolean', 'string'] },
            required: { type: 'boolean' },
            condition: {
              type: 'string',
              enum: ['service_started', 'service_healthy', 'service_completed_successfully'],
            },
          },
          required: ['condition'],
          additionalProperties: false,
        },
      },
      additionalProperties: false,
    },
  ],
};

const healthcheck = {
  type: 'object',
  properties: {
    disable: { type: ['boolean', 'string'] },
    interval: { type: 'string', pattern: DURATION },
    retries: { type: ['number', 'string'] },
    test: stringOrList,
    timeout: { type: 'string', pattern: DURATION },
    start_period: { type: 'string', pattern: DURATION },
    start_interval: { type: 'string', pattern: DURATION },
  },
  additionalProperties: false,
};

const service = {
  type: 'object',
  properties: {
    build,
    command: stringOrList,
    depends_on: dependsOn,
    entrypoint: stringOrList,
    environment: listOrDict,
    healthcheck,
    image: { type: 'string' },
    init: { type: ['boolean', 'string'] },
    networks: {
      oneOf: [
        { ...strings, uniqueItems: true },
        {
          type: 'object',
          patternProperties: {
            [NAME]: {
              type: ['object', 'null'],
              properties: { ipv4_address: { type: 'string' }, aliases: strings },
              additionalProperties: false,
            },
          },
          additionalProperties: false,
        },
      ],
    },
    // The short form only: `8000:8000`, with or without an address before it.
    ports: {
      type: 'array',
      items: { type: 'string', pattern: '^((\\d{1,3}\\.){3}\\d{1,3}:)?\\d+:\\d+(/(tcp|udp))?$' },
      uniqueItems: true,
    },
    read_only: { type: ['boolean', 'string'] },
    restart: { type: 'string', pattern: '^(no|always|on-failure(:\\d+)?|unless-stopped)$' },
    stop_grace_period: { type: 'string', pattern: DURATION },
    volumes: { type: 'array', items: { type: 'string' }, uniqueItems: true },
  },
  additionalProperties: false,
};

export const composeSchema = {
  type: 'object',
  properties: {
    name: { type: 'string' },
    networks: {
      type: 'object',
      patternProperties: {
        [NAME]: {
          type: ['object', 'null'],
          properties: {
            driver: { type: 'string' },
            internal: { type: ['boolean', 'string'] },
            ipam: {
              type: 'object',
              properties: {
                config: {
                  type: 'array',
                  items: {
                    type: 'object',
                    properties: {
                      subnet: { type: 'string' },
                      ip_range: { type: 'string' },
                      gateway: { type: 'string' },
                    },
                    additionalProperties: false,
                  },
                },
              },
              additionalProperties: false,
            },
          },
          additionalProperties: false,
        },
      },
      additionalProperties: false,
    },
    services: { type: 'object', patternProperties: { [NAME]: service }, additionalProperties: false },
    volumes: {
      type: 'object',
      patternProperties: {
        [NAME]: {
          type: ['object', 'null'],
          properties: { name: { type: 'string' }, external: { type: 'boolean' } },
          additionalProperties: false,
        },
      },
      additionalProperties: false,
    },
  },
  required: ['services'],
  additionalProperties: false,
};
