import helmet from '@fastify/helmet';
import type { HttpApp } from '../http-app.ts';

/** For an API: nothing may be loaded, framed or posted by what it answers. */
export async function addSecurityHeaders(app: HttpApp): Promise<void> {
  await app.register(helmet, {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'none'"],
        baseUri: ["'none'"],
        formAction: ["'none'"],
        frameAncestors: ["'none'"],
      },
    },
    // Tokens may stand in a URL.
    referrerPolicy: { policy: 'no-referrer' },
    // Whether a host is to be reached by TLS only is its proxy's to say: we would bind its other ports too.
    strictTransportSecurity: false,
    xFrameOptions: { action: 'deny' },
  });
}
